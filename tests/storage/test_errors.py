"""A failing store raises the right error, and soon: misconfigured for the operator, unavailable for a retry."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from diorama.embedded import EmbeddedS3
from diorama.preflight import check_store
from diorama.settings import SettingsError, read_settings
from storage import S3Settings, S3Store, StorageMisconfigured, StorageUnavailable
from storage.errors import ClockSkewed, ObjectMissing, ObjectTooLarge, of_response


@pytest.fixture
def settings(s3_server: EmbeddedS3) -> S3Settings:
    return s3_server.settings


class Silent:
    """A server that accepts connections and never responds."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def connections(self) -> int:
        """Return the number of connections made since the last call."""
        made = 0
        with suppress(TimeoutError):
            while True:
                self._listener.accept()[0].close()
                made += 1
        return made

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def silent() -> Iterator[Silent]:
    with closing(Silent()) as server:
        yield server


@pytest.fixture
def breaking_off_address() -> Iterator[str]:
    """Yield the address of a server that promises a hundred bytes, sends ten, and hangs up."""
    response = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n0123456789"

    def serve(listener: socket.socket) -> None:
        with closing(listener.accept()[0]) as connection:
            connection.recv(65536)
            connection.sendall(response)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_the_check_passes_and_leaves_no_object_behind(store: S3Store) -> None:
    store.check()
    assert list(store.list()) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"access_key_id": "unknown"}, "InvalidAccessKeyId"),
        ({"secret_access_key": "guessed"}, "SignatureDoesNotMatch"),
        ({"bucket": "another-bucket"}, "NoSuchBucket"),
        ({"bucket": "not a bucket"}, "Invalid bucket name"),
    ],
)
def test_wrong_settings_raise_storage_misconfigured(settings: S3Settings, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(StorageMisconfigured, match=message):
        S3Store(replace(settings, **wrong)).check()


def test_an_invalid_address_is_refused_at_once(settings: S3Settings) -> None:
    with pytest.raises(StorageMisconfigured, match="Invalid endpoint: nonsense"):
        S3Store(replace(settings, endpoint_url="nonsense"))


def test_a_store_that_has_stopped_is_unavailable_until_it_is_back(tmp_path: Path) -> None:
    with EmbeddedS3(tmp_path) as server:
        store = S3Store(server.settings)
        store.put_stream("key", [b"kept"], content_type="text/plain", max_bytes=4)
        server.kill()
        with pytest.raises(StorageUnavailable, match="Could not connect"):
            store.head("key")
        server.restart()
        assert store.head("key") is not None


def test_a_silent_store_is_unavailable_after_a_few_tries(settings: S3Settings, silent: Silent) -> None:
    store = S3Store(replace(settings, endpoint_url=silent.address, read_timeout_s=0.1))
    with pytest.raises(StorageUnavailable, match="Read timeout"):
        store.head("key")
    assert 1 <= silent.connections() <= 3


def test_a_download_that_breaks_off_leaves_no_file(
    settings: S3Settings, breaking_off_address: str, tmp_path: Path
) -> None:
    store = S3Store(replace(settings, endpoint_url=breaking_off_address))
    with pytest.raises(StorageUnavailable, match="reading key"):
        store.download("key", tmp_path / "copy", max_bytes=100)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("NoSuchKey", 404, ObjectMissing),
        ("NoSuchBucket", 404, StorageMisconfigured),
        ("EntityTooLarge", 400, ObjectTooLarge),
        ("AccessDenied", 403, StorageMisconfigured),
        ("AuthorizationHeaderMalformed", 400, StorageMisconfigured),
        ("PermanentRedirect", 301, StorageMisconfigured),
        ("SlowDown", 503, StorageUnavailable),
        ("InternalError", 500, StorageUnavailable),
        ("RequestTimeout", 400, StorageUnavailable),
        ("TooManyRequests", 429, StorageUnavailable),
        ("ConditionalRequestConflict", 409, StorageUnavailable),
        ("RequestTimeTooSkewed", 403, ClockSkewed),
        ("NotImplemented", 501, StorageMisconfigured),
    ],
)
def test_each_error_response_raises_one_class_of_error(code: str, status: int, error: type[Exception]) -> None:
    assert type(of_response("reading key", code, status)) is error


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("AccessDenied", StorageMisconfigured),
        ("SlowDown", StorageUnavailable),
        ("InternalError", StorageUnavailable),
        ("NoSuchKey", None),
    ],
)
def test_each_reason_for_which_a_key_is_not_deleted_has_its_meaning(
    store: S3Store, code: str, error: type[Exception] | None
) -> None:
    def refuse(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Errors"] = [{"Key": "b", "Code": code}]

    store = S3Store(store._settings)
    store._client.meta.events.register("after-call.s3.DeleteObjects", refuse)
    if error is None:
        assert store.delete(["a", "b"]) == 2
        return
    with pytest.raises(error, match=rf"1 refused, at b: .*{code}") as caught:
        store.delete(["a", "b"])
    assert type(caught.value) is error


def test_a_clock_that_is_an_hour_off_is_named(settings: S3Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: datetime.now(UTC) - timedelta(hours=1))
    with pytest.raises(ClockSkewed, match="clock is too far from the store's; synchronize it with NTP"):
        S3Store(settings).check()
    s3 = {"endpoint_url": settings.endpoint_url, "bucket": settings.bucket, "access_key_id": settings.access_key_id}
    given = {f"s3_{name}": value for name, value in s3.items()}
    with pytest.raises(SettingsError, match=r"rejects what this machine signs: .*clock") as caught:
        check_store(read_settings(_env_file=None, s3_secret_access_key=settings.secret_access_key, **given))
    assert "S3_" not in str(caught.value)


def test_a_store_that_is_down_is_not_blamed_on_the_bucket_or_the_keys(settings: S3Settings) -> None:
    refusal = _refusal_of(replace(settings, endpoint_url="http://127.0.0.1:1"))
    assert "the object store at http://127.0.0.1:1/ is down, or S3_ENDPOINT_URL is wrong" in refusal
    assert "S3_BUCKET" not in refusal
    assert "S3_BUCKET or the S3 keys are wrong" in _refusal_of(replace(settings, secret_access_key="guessed"))


def _refusal_of(settings: S3Settings) -> str:
    s3 = {"endpoint_url": settings.endpoint_url, "bucket": settings.bucket, "access_key_id": settings.access_key_id}
    given = {f"s3_{name}": value for name, value in s3.items()}
    with pytest.raises(SettingsError) as caught:
        check_store(read_settings(_env_file=None, s3_secret_access_key=settings.secret_access_key, **given))
    return str(caught.value)


def test_the_check_leaves_nothing_behind_when_it_fails_midway(store: S3Store) -> None:
    def fail(**_: Any) -> None:
        raise ConnectionClosedError(endpoint_url="")

    checked = S3Store(store._settings)
    checked._client.meta.events.register("before-call.s3.ListObjectsV2", fail)
    with pytest.raises(StorageUnavailable):
        checked.check()
    assert list(store.list()) == []


def test_secrets_are_not_shown(settings: S3Settings) -> None:
    assert settings.secret_access_key not in repr(settings)


def test_a_proxy_in_the_environment_does_not_hide_a_local_store(
    settings: S3Settings, silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", silent.address)
    monkeypatch.setenv("http_proxy", silent.address)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    S3Store(replace(settings, read_timeout_s=2.0)).check()
