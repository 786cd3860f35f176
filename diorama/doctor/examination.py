"""`diorama doctor`: what is configured, reachable and missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
from sqlalchemy import Connection, text

from db.migrate import current_revision, is_behind, newest_revision
from diorama.doctor.clocks import examine_clocks
from diorama.doctor.drift import compared
from diorama.doctor.findings import Finding
from diorama.doctor.pictures import examine_pictures
from diorama.doctor.public_url import examine_webhooks
from diorama.doctor.submissions import examine_submissions
from diorama.preflight import check_database
from diorama.settings import Settings, SettingsError, read_settings
from diorama.wiring import build_engine, build_models, build_store
from jobs.catalogue.catalogue import may_request
from jobs.providers.choice import TIERS, ModelChoice, NoModel
from jobs.providers.drift import SchemaUnknown
from statemachine.vocabulary import Kind
from storage import StorageError

_REQUEST_TIMEOUT_S = 10.0


def examine() -> Iterator[Finding]:
    """Look at each part in turn; a fault in one does not keep the others from being looked at."""
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
    finally:
        engine.dispose()


def _migrated(conn: Connection) -> Iterator[Finding]:
    """Whether the tables are this program's; only then they say anything."""
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
        answer = httpx.get(f"{base_url}/v1/account", headers=headers, timeout=_REQUEST_TIMEOUT_S)
    except httpx.HTTPError as error:
        yield Finding("provider", False, f"{base_url} can not be reached: {type(error).__name__}")
        return
    if answer.status_code != 200:
        mend = "check REPLICATE_API_TOKEN" if answer.status_code in (401, 403) else "jobs wait for it to be well again"
        yield Finding("provider", False, f"{base_url} answered HTTP {answer.status_code}; {mend}")
        return
    account = _account(answer)
    if account is None:
        yield Finding("provider", False, f"{base_url} answers, but not as Replicate does; check REPLICATE_BASE_URL")
        return
    yield Finding("provider", True, f"{base_url}, account {account}")
    yield from _schemas(settings)


def _account(answer: httpx.Response) -> str | None:
    """Return the account's name, or None where this is no answer of Replicate's."""
    try:
        told = answer.json()
    except ValueError:
        return None
    return str(told["username"]) if isinstance(told, dict) and "username" in told else None


def _schemas(settings: Settings) -> Iterator[Finding]:
    """Where the live schemas of the usable models differ from what we send, a finding a field."""
    for profile, found in compared(settings):
        if isinstance(found, SchemaUnknown):
            yield Finding(f"schema of {profile.model}", None, str(found))
            continue
        for drift in found:
            yield Finding(f"{drift.model} {drift.field}", False, drift.problem)
        if not found:
            yield Finding(f"schema of {profile.model}", True, "as its profile says")


def _models(settings: Settings) -> Iterator[Finding]:
    """Which model is used for what today, and which of the configured ones are passed over."""
    models = build_models(settings)
    for kind in Kind:
        for tier in TIERS:
            yield from _model_of(models, kind, tier)
    for profile in {entry.model: entry.profile for entry in models.entries}.values():
        reason = models.unusable(profile)
        if reason is not None:
            yield Finding(profile.model, None, f"is passed over: {reason}")


def _model_of(models: ModelChoice, kind: Kind, tier: str) -> Iterator[Finding]:
    what = f"{kind} ({tier})"
    lengths = tuple(length for length in models.durations_of(kind, tier) if may_request(tier, length)) or (None,)
    try:
        for length in lengths:
            made = f" of {length} s" if length else ""
            yield Finding(f"{what}{made}", True, models.profile_for(kind, tier, length).model)
    except NoModel as error:
        yield Finding(what, False, f"{error} Set MODELS.")
