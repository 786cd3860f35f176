"""The doctor reports each fault around the API and the clocks in one line, with its remedy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from diorama.doctor.bucket import examine_storage
from diorama.doctor.clocks import DATABASE, PROVIDER, STORE, examine_clocks, judged
from diorama.doctor.examination import examine
from diorama.doctor.findings import Finding, report
from diorama.doctor.pictures import examine_pictures
from diorama.doctor.public_url import examine_webhooks, misplaced
from diorama.embedded import EmbeddedS3
from diorama.settings import Settings, read_settings
from jobs.tracking.provider_webhooks import SigningKey
from simulator.serve import Background
from simulator.settings import SimulatorSettings
from storage import S3Store
from tests.support.serving import serving

KEY = "whsec_dGhlLWtleS10aGF0LXdhcy1hZ3JlZWQ="
OTHER_KEY = "whsec_bm90LXRoZS1rZXktdGhhdC13YXMtYWdyZWVk"
ADDRESSES = {
    "api.replicate.com": ("104.16.0.1",),
    "diorama.example.com": ("104.16.0.2", "10.0.0.2"),
    "inside.example.com": ("10.0.0.7",),
    "simulator": ("172.18.0.5",),
    "localhost": ("127.0.0.1",),
    "::1": ("::1",),
}


@pytest.fixture(scope="module")
def provider() -> Iterator[Background]:
    with Background(SimulatorSettings(webhook_secret=KEY, tokens=("r8_x",))) as running:
        yield running


def settings_of(**given: Any) -> Settings:
    return read_settings(_env_file=None, **{"replicate_api_token": "r8_x", **given})


def resolve(host: str) -> tuple[str, ...]:
    return ADDRESSES.get(host, ())


def finding_about(what: str, findings: Iterator[Finding]) -> tuple[bool | None, str]:
    """Return the only finding about something."""
    (found,) = [each for each in findings if each.what == what]
    assert "\n" not in found.detail
    return found.ok, found.detail


@pytest.mark.parametrize(
    ("public_url", "base_url", "reason"),
    [
        ("https://diorama.example.com", "https://api.replicate.com", None),
        ("http://diorama.example.com", "https://api.replicate.com", "is not an https URL"),
        ("https://nosuch.example.com", "https://api.replicate.com", "nosuch.example.com has no address"),
        ("https://inside.example.com", "https://api.replicate.com", "inside.example.com is 10.0.0.7, which api.repl"),
        ("https://localhost:8000", "https://api.replicate.com", "localhost is 127.0.0.1, which api.replicate.com can"),
        ("https://[::1]:8000", "https://api.replicate.com", "cannot reach"),
        ("http://localhost:8000", "http://simulator:8100", None),
        ("http://localhost:8000", "http://localhost:8100", None),
        # A name that does not resolve counts as public.
        ("http://localhost:8000", "https://proxy.example.net", "is not an https URL"),
    ],
)
def test_an_address_that_the_provider_cannot_reach_is_reported(
    public_url: str, base_url: str, reason: str | None
) -> None:
    wrong = misplaced(settings_of(public_url=public_url, replicate_base_url=base_url), resolve)
    assert (wrong is None) if reason is None else (reason in (wrong or ""))


def test_a_missing_public_url_is_a_note() -> None:
    assert finding_about("PUBLIC_URL", examine_webhooks(settings_of()))[0] is None


def test_an_api_that_accepts_webhooks_is_recognized_by_rejecting_unsigned_ones(
    provider: Background, database_url: str
) -> None:
    with serving(database_url, webhook_key=SigningKey(KEY)) as api:
        settings = settings_of(public_url=api.url, replicate_base_url=provider.api_url)
        assert finding_about("PUBLIC_URL", examine_webhooks(settings))[0] is True
        assert finding_about("webhook key", examine_webhooks(settings)) == (True, "can be fetched from the provider")
    ok, why = finding_about("PUBLIC_URL", examine_webhooks(settings))
    assert ok is False
    assert "does not respond from here (ConnectError" in why


def test_an_api_that_was_started_without_the_setting_is_reported(provider: Background, database_url: str) -> None:
    with serving(database_url) as api:
        settings = settings_of(public_url=api.url, replicate_base_url=provider.api_url)
        ok, why = finding_about("PUBLIC_URL", examine_webhooks(settings))
    assert ok is False
    assert "HTTP 404: start the API there with PUBLIC_URL too" in why


@contextmanager
def responding(status: int, **headers: str) -> Iterator[str]:
    """Serve the same response to every request, and yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        do_HEAD = do_GET = do_POST = respond  # noqa: N815 - the names are the library's

        def log_message(self, format: str, *arguments: Any) -> None:
            """Log nothing, so that the tests' output stays clean."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        (301, {"Location": "https://diorama.example.com/"}, "redirects to https://diorama.example.com/"),
        (503, {}, "has no key"),
        (403, {}, "HTTP 403; the proxy in front of the API must pass webhooks on"),
    ],
)
def test_a_proxy_in_front_of_the_api_is_reported(
    provider: Background, status: int, headers: dict[str, str], reason: str
) -> None:
    with responding(status, **headers) as url:
        settings = settings_of(public_url=url, replicate_base_url=provider.api_url)
        ok, why = finding_about("PUBLIC_URL", examine_webhooks(settings))
    assert ok is False
    assert reason in why


@pytest.mark.parametrize(
    ("secret", "token", "ok", "reason"),
    [
        (KEY, "r8_x", True, "is the account's"),
        (OTHER_KEY, "r8_x", False, "is not this account's"),
        ("whsec_*", "r8_x", False, "is not a key; it must be whsec_ and base64"),
        ("", "r8_wrong", False, "cannot be fetched (HTTP 401"),
        (KEY, "r8_wrong", None, "cannot be compared with the provider's: HTTP 401"),
    ],
)
def test_the_webhook_key_is_compared_with_the_accounts(
    provider: Background, secret: str, token: str, ok: bool | None, reason: str
) -> None:
    settings = settings_of(
        public_url="http://127.0.0.1:9",
        replicate_base_url=provider.api_url,
        replicate_api_token=token,
        replicate_webhook_secret=secret,
    )
    found = finding_about("webhook key", examine_webhooks(settings))
    assert found[0] is ok
    assert reason in found[1]
    assert "dGhl" not in found[1]
    assert "bm90" not in found[1]


@pytest.mark.parametrize(
    ("given", "ok"),
    [
        ({}, []),
        ({"provider_inputs": "url", "s3_endpoint_url": "http://localhost:8333"}, [False]),
        ({"provider_inputs": "url", "s3_public_endpoint_url": "https://diorama.example.com"}, [True]),
        ({"provider_inputs": "url"}, [True]),  # Amazon's
        (
            {
                "provider_inputs": "url",
                "s3_endpoint_url": "http://localhost:8333",
                "replicate_base_url": "http://simulator:8100",
            },
            [True],
        ),
    ],
)
def test_pictures_that_the_provider_cannot_read_are_reported(given: dict[str, str], ok: list[bool]) -> None:
    assert [found.ok for found in examine_pictures(settings_of(**given), resolve)] == ok


@pytest.mark.parametrize(
    ("ahead_s", "harm"),
    [
        ({DATABASE: -0.2, PROVIDER: 0.4, STORE: 1.0}, None),
        ({DATABASE: 20.0, PROVIDER: -20.0}, None),
        ({DATABASE: 35.0, PROVIDER: -35.0}, "in our history cannot be compared"),
        ({DATABASE: 200.0, PROVIDER: 200.0}, "webhooks are rejected"),
        ({STORE: -500.0}, "the object store rejects what is signed here"),
        ({STORE: -400.0}, None),
    ],
)
def test_clocks_are_reported_if_their_difference_does_harm(ahead_s: dict[str, float], harm: str | None) -> None:
    (found,) = judged(ahead_s)
    assert found.ok is (harm is None)
    assert harm is None or harm in found.detail


def test_the_clocks_of_the_real_parts_are_read(
    provider: Background, database_url: str, s3_server: EmbeddedS3, shared_store: S3Store
) -> None:
    settings = settings_of(
        database_url=database_url,
        replicate_base_url=provider.api_url,
        s3_endpoint_url=s3_server.endpoint_url,
        s3_bucket=s3_server.bucket,
    )
    (found,) = examine_clocks(settings)
    assert found.ok is True
    assert all(part in found.detail for part in (DATABASE, PROVIDER, STORE))


def test_a_clock_that_is_years_off_is_reported() -> None:
    with responding(200, Date="Sat, 21 Nov 2020 00:00:00 GMT") as url:
        (found,) = examine_clocks(settings_of(replicate_base_url=url))
    assert found.ok is False


def test_clocks_that_cannot_be_read_are_no_fault() -> None:
    assert list(examine_clocks(settings_of(replicate_base_url="http://127.0.0.1:9"))) == []


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql://u:p@127.0.0.1:port/x", "postgresql://u:hushhush@127.0.0.1:9/x"]
)
@pytest.mark.parametrize("storage", [False, True])
def test_a_wrong_database_url_is_a_finding_and_no_traceback(
    nothing_set: pytest.MonkeyPatch, url: str, storage: bool
) -> None:
    nothing_set.setenv("DATABASE_URL", url)
    nothing_set.setenv("REPLICATE_BASE_URL", "http://127.0.0.1:9")
    for name in ("S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY") if storage else ():
        nothing_set.setenv(name, "x")
    written = StringIO()
    assert report(Console(file=written, width=40), examine_storage() if storage else examine()) == 1
    lines = written.getvalue().splitlines()
    assert any("DATABASE_URL is wrong" in line for line in lines)
    assert all(line.startswith(("ok", "bad", "note")) for line in lines), "a finding is one line"
    assert "hushhush" not in written.getvalue()


def test_a_response_that_is_not_the_providers_is_reported(nothing_set: pytest.MonkeyPatch) -> None:
    """The address may be that of a web site, which returns a page."""
    with responding(200) as url:
        nothing_set.setenv("REPLICATE_BASE_URL", url)
        nothing_set.setenv("REPLICATE_API_TOKEN", "r8_x")
        ok, why = finding_about("provider", examine())
    assert ok is False
    assert "not Replicate's API; check REPLICATE_BASE_URL" in why
