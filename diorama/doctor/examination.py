"""`diorama doctor`: checks what is configured, reachable and missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
from sqlalchemy import Connection, text

from db.access import is_granted
from db.migrate import current_revision, is_behind, newest_revision
from diorama.doctor.clocks import examine_clocks
from diorama.doctor.drift import compared
from diorama.doctor.findings import Finding
from diorama.doctor.pictures import examine_pictures
from diorama.doctor.public_url import examine_webhooks
from diorama.doctor.submissions import examine_submissions
from diorama.preflight import check_database
from diorama.settings import Settings, SettingsError, read_settings
from diorama.wiring import build_engine, build_models, build_signer, build_store
from jobs.catalogue.catalogue import may_request
from jobs.providers.choice import TIERS, ModelChoice, NoModel
from jobs.providers.drift import SchemaUnknown
from statemachine.vocabulary import Kind
from storage import StorageError

_REQUEST_TIMEOUT_S = 10.0


def examine() -> Iterator[Finding]:
    """Check every part; a fault in one does not keep the others from being checked."""
    try:
        settings = read_settings()
    except SettingsError as error:
        yield Finding("settings", False, str(error))
        return
    checks: tuple[tuple[str, Callable[[Settings], Iterator[Finding]]], ...] = (
        ("database", _database),
        ("store", _store),
        ("provider", _provider),
    )
    for part, check in checks:
        try:
            read_settings(part)
        except SettingsError as error:
            yield Finding(part, False, str(error).replace("\n", "; "))
            continue
        yield from check(settings)
    yield from examine_pictures(settings)
    yield from examine_webhooks(settings)
    yield from examine_clocks(settings)
    yield from _models(settings)
    yield from _signing(settings)


def _signing(settings: Settings) -> Iterator[Finding]:
    try:
        signer = build_signer(settings)
    except SettingsError as error:
        yield Finding("signing", False, str(error))
        return
    if signer is not None:
        yield Finding("signing", True, f"outputs are signed with {signer.algorithm}")


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        check_database(settings, migrated=False)
    except SettingsError as error:
        yield Finding("database", False, str(error))
        return
    engine = build_engine(settings, "doctor", pool_size=1)
    try:
        with engine.connect() as conn:
            version = conn.scalar(text("SHOW server_version"))
            yield Finding("database", True, f"Postgres {version}")
            yield from _migrated(conn)
            yield from _roles(conn)
    finally:
        engine.dispose()


def _roles(conn: Connection) -> Iterator[Finding]:
    if is_granted(conn):
        yield Finding("roles", True, "Postgres itself keeps callers of the API to what is theirs")
    elif current_revision(conn) is not None:
        fix = "have an administrator create them, then run `diorama migrate`: docs/operations.md"
        yield Finding("roles", None, f"missing, so the API serves everyone as the owner of the tables: {fix}")


def _migrated(conn: Connection) -> Iterator[Finding]:
    """Check that the schema is this program's; only then can the tables be read."""
    revision, newest = current_revision(conn), newest_revision()
    if is_behind(revision):
        yield Finding("schema", False, f"revision {revision}, not {newest}: run `diorama migrate`")
        return
    if revision == newest:
        yield Finding("schema", True, f"revision {revision}")
    else:
        yield Finding("schema", None, f"revision {revision}, newer than this program's {newest}: update this machine")
    yield from examine_submissions(conn)


def _store(settings: Settings) -> Iterator[Finding]:
    try:
        build_store(settings).check()
    except (StorageError, ValueError) as error:
        yield Finding("store", False, str(error))
    else:
        yield Finding("store", True, f"bucket {settings.s3_bucket}")


def _provider(settings: Settings) -> Iterator[Finding]:
    base_url = str(settings.replicate_base_url).rstrip("/")
    headers = {"Authorization": f"Bearer {settings.replicate_api_token.get_secret_value()}"}
    try:
        response = httpx.get(f"{base_url}/v1/account", headers=headers, timeout=_REQUEST_TIMEOUT_S)
    except httpx.HTTPError as error:
        yield Finding("provider", False, f"{base_url} cannot be reached: {type(error).__name__}")
        return
    if response.status_code != 200:
        advice = "check REPLICATE_API_TOKEN" if response.status_code in (401, 403) else "jobs wait until it recovers"
        yield Finding("provider", False, f"{base_url} returned HTTP {response.status_code}; {advice}")
        return
    account = _account(response)
    if account is None:
        yield Finding("provider", False, f"{base_url} is up, but not Replicate's API; check REPLICATE_BASE_URL")
        return
    yield Finding("provider", True, f"{base_url}, account {account}")
    yield from _schemas(settings)


def _account(response: httpx.Response) -> str | None:
    """Return the account's name, or None if the response is not Replicate's."""
    try:
        account = response.json()
    except ValueError:
        return None
    return str(account["username"]) if isinstance(account, dict) and "username" in account else None


def _schemas(settings: Settings) -> Iterator[Finding]:
    """Compare the live schemas of the usable models with what we send; one finding per field that differs."""
    for profile, found in compared(settings):
        if isinstance(found, SchemaUnknown):
            yield Finding(f"schema of {profile.model}", None, str(found))
            continue
        for drift in found:
            yield Finding(f"{drift.model} {drift.field}", False, drift.problem)
        if not found:
            yield Finding(f"schema of {profile.model}", True, "matches its profile")


def _models(settings: Settings) -> Iterator[Finding]:
    """Yield the model that is used today for each kind and tier, and the configured models that are skipped."""
    models = build_models(settings)
    for kind in Kind:
        for tier in TIERS:
            yield from _model_of(models, kind, tier)
    for profile in {entry.model: entry.profile for entry in models.entries}.values():
        reason = models.unusable(profile)
        if reason is not None:
            yield Finding(profile.model, None, f"is skipped: {reason}")


def _model_of(models: ModelChoice, kind: Kind, tier: str) -> Iterator[Finding]:
    what = f"{kind} ({tier})"
    lengths = tuple(length for length in models.durations_of(kind, tier) if may_request(tier, length)) or (None,)
    try:
        for length in lengths:
            made = f" of {length} s" if length else ""
            yield Finding(f"{what}{made}", True, models.profile_for(kind, tier, length).model)
    except NoModel as error:
        yield Finding(what, False, f"{error} Set MODELS.")
