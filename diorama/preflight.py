"""Checks before a process starts: each raises one clear line if something that the settings name is not there."""

from __future__ import annotations

import httpx
import structlog
from sqlalchemy.exc import ArgumentError, DBAPIError

from db.connection import normalised_url
from db.migrate import current_revision, is_behind, newest_revision
from diorama.doctor.public_url import misplaced
from diorama.settings import Settings, SettingsError
from diorama.wiring import build_engine, build_store
from storage import ClockSkewed, StorageError, StorageUnavailable

log = structlog.get_logger(__name__)

_PROVIDER_TIMEOUT_S = 10.0


def check_database(settings: Settings, *, migrated: bool = True) -> None:
    """Raise SettingsError unless the database is up and, if `migrated`, has this program's schema or a newer one."""
    try:
        url = normalised_url(settings.database_url)
        engine = build_engine(settings, "preflight", pool_size=1)
    except (ArgumentError, ValueError):
        raise SettingsError(
            "DATABASE_URL is wrong: it must have the form postgresql://user:password@host:5432/name"
        ) from None
    try:
        with engine.connect() as conn:
            revision = current_revision(conn)
    except DBAPIError as error:
        place = f"{url.host or 'localhost'}:{url.port or 5432}"
        raise SettingsError(f"DATABASE_URL is wrong, or {place} is down: {_first_line(error)}") from None
    finally:
        engine.dispose()
    if migrated and is_behind(revision):
        raise SettingsError(f"the database is at revision {revision}, not {newest_revision()}: run `diorama migrate`")


def check_store(settings: Settings) -> None:
    """Raise SettingsError unless the bucket can be reached with these keys."""
    place = settings.s3_endpoint_url or "Amazon S3"
    try:
        build_store(settings).check()
    except ClockSkewed as error:
        raise SettingsError(f"the object store rejects what this machine signs: {error}") from None
    except StorageUnavailable as error:
        raise SettingsError(f"the object store at {place} is down, or S3_ENDPOINT_URL is wrong: {error}") from None
    except (StorageError, ValueError) as error:
        raise SettingsError(f"S3_ENDPOINT_URL, S3_BUCKET or the S3 keys are wrong for {place}: {error}") from None


def check_provider(settings: Settings) -> None:
    """Raise SettingsError if the provider rejects the token. If it does not respond, only log that: jobs wait."""
    base_url = str(settings.replicate_base_url).rstrip("/")
    headers = {"Authorization": f"Bearer {settings.replicate_api_token.get_secret_value()}"}
    try:
        response = httpx.get(f"{base_url}/v1/account", headers=headers, timeout=_PROVIDER_TIMEOUT_S)
    except httpx.HTTPError as error:
        log.warning("the provider does not respond; jobs will wait", url=base_url, reason=type(error).__name__)
        return
    if response.status_code in (401, 403):
        raise SettingsError(f"REPLICATE_API_TOKEN is wrong: {base_url} rejects it (HTTP {response.status_code})")


def check_public_url(settings: Settings) -> None:
    """Log a warning if the provider cannot reach PUBLIC_URL. Webhooks only make jobs faster, so work goes on."""
    if wrong := misplaced(settings):
        log.warning("PUBLIC_URL is wrong", reason=wrong)


def _first_line(error: DBAPIError) -> str:
    """Return what the server said, without the connection string that the driver may repeat."""
    return str(error.orig).strip().splitlines()[0].split("failed: ", 1)[-1]
