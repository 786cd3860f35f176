"""A picture comes encrypted from the host that its address names, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.importing.fetching import NotFetched, PictureFetcher
from jobs.reach.connecting import Reach
from tests.jobs.importing.test_fetching import CONTENT, HERE, fetched
from tests.support.certificates import tls_server
from tests.support.picture_host import PictureHost, picture, picture_host, redirect, resolves


@pytest.fixture
def host() -> Iterator[PictureHost]:
    with picture_host(picture(CONTENT)) as running:
        yield running


@pytest.fixture
def trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients that are made in this test trust what `tls_server` makes."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "issuer.pem"))


@pytest.mark.usefixtures("trusting")
def test_the_certificate_must_be_of_the_name(tmp_path: Path) -> None:
    """The connection goes to a number, and SNI and the check name the host."""
    names: list[str | None] = []
    tls = tls_server(tmp_path, "x.example")
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    with picture_host(picture(CONTENT), tls) as host:
        fetcher = PictureFetcher(host.reach(HERE, resolver=resolves("127.0.0.1")))
        assert fetched(fetcher, host.url("x.example", scheme="https"), tmp_path) == CONTENT
        with pytest.raises(NotFetched):
            fetched(fetcher, host.url("y.example", scheme="https"), tmp_path)
    assert names == ["x.example", "y.example"]
    assert len(host.requests) == 1


@pytest.mark.usefixtures("trusting")
def test_a_redirect_does_not_drop_the_encryption(host: PictureHost, tmp_path: Path) -> None:
    with picture_host(redirect(host.url("x.example")), tls_server(tmp_path, "x.example")) as encrypted:
        reach = Reach(frozenset({host.port, encrypted.port}), encrypted.reach(HERE).also, resolves("127.0.0.1"))
        with pytest.raises(NotFetched, match="not allowed"):
            fetched(PictureFetcher(reach), encrypted.url("x.example", scheme="https"), tmp_path)
    assert (len(encrypted.requests), host.requests) == (1, [])


def test_an_unknown_certificate_is_refused(tmp_path: Path) -> None:
    with picture_host(picture(CONTENT), tls_server(tmp_path, "x.example")) as host:
        fetcher = PictureFetcher(host.reach(HERE, resolver=resolves("127.0.0.1")))
        with pytest.raises(NotFetched):
            fetched(fetcher, host.url("x.example", scheme="https"), tmp_path)
        assert host.requests == []


@pytest.mark.usefixtures("trusting")
def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    with picture_host(picture(CONTENT), tls_server(tmp_path, "x.example", valid_for=timedelta(hours=1))) as host:
        fetcher = PictureFetcher(host.reach(HERE, resolver=resolves("127.0.0.1")))
        with pytest.raises(NotFetched):
            fetched(fetcher, host.url("x.example", scheme="https"), tmp_path)
        assert host.requests == []
