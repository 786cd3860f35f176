"""Builds the parts of a process from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from sqlalchemy import Engine

from db.connection import DatabaseSettings, connect
from diorama.providers import build_provider, build_test_provider, build_timeouts
from diorama.settings import Settings, SettingsError
from diorama.tuning import Tuning
from jobs.catalogue.catalogue import Catalogue
from jobs.catalogue.themes import Theme, ThemesError, themes_with
from jobs.deleting.carrying_out import carry_out_deletions
from jobs.engine.hints import Hinter
from jobs.engine.lease_times import Leases
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.prompts import PromptBook
from jobs.providers.choice import ModelChoice
from jobs.providers.inputs import PictureInputs
from jobs.providers.limited import LimitedProvider
from jobs.providers.limiter import LimiterSettings, SharedLimiter
from jobs.signing import ManifestSigner, SigningError
from jobs.steps.runtime import Runtime
from jobs.support.redrives import continue_redrives
from jobs.tracking.durations import Durations
from jobs.tracking.provider_webhooks import SigningKey
from jobs.tracking.watcher import Watcher
from jobs.tracking.watcher_status import CachedWatcherStatus
from jobs.upkeep.deadlines import end_overdue
from jobs.upkeep.orphans import search_orphans
from jobs.upkeep.periodic import REDRIVING, SEQUENCING, TRACKING, PeriodicTask
from jobs.upkeep.retention import Leftovers, RetentionPolicy, purge_expired, purge_posted
from jobs.upkeep.row_purge import OldRows
from jobs.upkeep.sequencing import Sequencer
from jobs.upkeep.spend_caps import recount_caps
from jobs.upkeep.statistics import keep_credit_statistics, keep_statistics
from jobs.upkeep.upload_bytes import add_up_uploads
from jobs.webhooks.delivery import WebhookDelivery
from jobs.webhooks.reach import WebhookReach
from schema.cursors import activity_cursor
from statemachine.budget import Budget
from statemachine.deadlines import Deadlines
from statemachine.vocabulary import Kind
from storage import Encryption, S3Settings, S3Store

# Secrets that travel in a model's input, by the names that profiles give them.
_MODEL_KEYS = ("openai_api_key",)
# How often the watcher checks that it may read another page.
_WATCH_STEP_S = 0.25
# Constants that are no settings, beside what they configure.
_TUNING = Tuning()
# A queued job that no worker may claim ends at most this long after its deadline.
_OVERDUE_EVERY_S = 30.0
_REDRIVES_EVERY_S = 1.0
# A deletion waits this long at most once its jobs have ended.
_STATISTICS_EVERY_S = 30.0
_SPEND_CAPS_EVERY_S = 30.0
_UPLOAD_BYTES_EVERY_S = 300.0
_DELETIONS_EVERY_S = 5.0
# What is posted with the form of an upload that is over stays this long at most.
_POSTED_EVERY_S = 30.0


def database_settings(settings: Settings, *, pool_size: int | None = None) -> DatabaseSettings:
    """Return the database's URL and the number of connections that this process may open."""
    return DatabaseSettings(url=settings.database_url, pool_size=pool_size or settings.database_pool_size)


def build_engine(settings: Settings, name: str, *, pool_size: int | None = None) -> Engine:
    """Return the engine of a process; nothing is connected yet."""
    return connect(database_settings(settings, pool_size=pool_size), name=f"diorama-{name}")


def build_store(settings: Settings) -> S3Store:
    """Return the object store; nothing is connected yet."""
    return S3Store(build_s3_settings(settings))


def build_s3_settings(settings: Settings) -> S3Settings:
    """Return the settings of the object store."""
    return S3Settings(
        endpoint_url=_text(settings.s3_endpoint_url),
        public_endpoint_url=_text(settings.s3_public_endpoint_url),
        region=settings.s3_region,
        bucket=settings.s3_bucket,
        key_prefix=settings.s3_key_prefix,
        path_style=settings.s3_path_style,
        encryption=Encryption(settings.s3_encryption, settings.s3_kms_key_id),
        access_key_id=settings.s3_access_key_id,
        secret_access_key=settings.s3_secret_access_key.get_secret_value(),
    )


def build_limiter(settings: Settings, engine: Engine, tuning: Tuning = _TUNING) -> SharedLimiter:
    """Return the budgets of provider calls that all workers share."""
    return SharedLimiter(
        engine,
        LimiterSettings(
            creates=Budget(settings.provider_creates_per_min),
            reads=Budget(settings.provider_reads_per_min),
            in_flight_most=settings.provider_in_flight or None,
            breaker=replace(tuning.breaker, probe_s=build_timeouts(settings).call_s),
        ),
    )


def build_webhook_key(settings: Settings) -> SigningKey | None:
    """Return the key that verifies webhooks, or None if webhooks are off; nothing is fetched yet."""
    if settings.public_url is None:
        return None
    if key := settings.replicate_webhook_secret.get_secret_value():
        return SigningKey(key)
    if not settings.replicate_api_token.get_secret_value():
        message = "PUBLIC_URL is set, so the API needs REPLICATE_WEBHOOK_SECRET, or REPLICATE_API_TOKEN to fetch it."
        raise SettingsError(message)
    return SigningKey(fetch=build_provider(settings).webhook_key)


def build_webhook_reach(settings: Settings) -> WebhookReach:
    """Return the addresses that partners' webhooks may be sent to."""
    return WebhookReach.of(settings.webhook_networks)


def build_webhooks(settings: Settings, engine: Engine, worker: str, tuning: Tuning = _TUNING) -> WebhookDelivery:
    """Start delivering webhooks to partners, from a thread of its own."""
    reach = build_webhook_reach(settings)
    return WebhookDelivery(engine, reach, activity_cursor, worker=worker, pace=tuning.webhooks)


def build_models(settings: Settings) -> ModelChoice:
    """Return the configured models, with the model keys that are set."""
    keys = {name for name in _MODEL_KEYS if getattr(settings, name).get_secret_value()}
    return ModelChoice(settings.models, keys=frozenset(keys))


def build_catalogue(settings: Settings) -> Catalogue:
    """Return what can be requested."""
    return Catalogue(
        models=build_models(settings), themes=build_themes(settings), job_deadline=build_deadlines(settings).job
    )


def build_deadlines(settings: Settings) -> Deadlines:
    """Return how long a job and its steps may take."""
    return Deadlines(job=timedelta(seconds=settings.job_deadline_s))


def build_themes(settings: Settings) -> Mapping[str, Theme]:
    """Return the themes that are offered."""
    try:
        return themes_with(settings.themes_file)
    except ThemesError as error:
        raise SettingsError(f"THEMES_FILE is wrong: {error}") from None


def build_signer(settings: Settings) -> ManifestSigner | None:
    """Return what signs the outputs, tried once, or None where nothing is to be signed."""
    certificates, key = settings.c2pa_certificates_file, settings.c2pa_key_file
    if certificates is None and key is None:
        return None
    if certificates is None or key is None:
        raise SettingsError("C2PA_CERTIFICATES_FILE and C2PA_KEY_FILE go together: set both or neither.")
    try:
        return ManifestSigner.of(certificates, key)
    except SigningError as error:
        raise SettingsError(f"C2PA_CERTIFICATES_FILE or C2PA_KEY_FILE is wrong: {error}") from None


def build_runtime(
    settings: Settings, engine: Engine, recorder: Recorder, renewer: Renewer, tuning: Tuning = _TUNING
) -> Runtime:
    """Return everything the steps of a worker need."""
    store, limiter = build_store(settings), build_limiter(settings, engine, tuning)
    provider = LimitedProvider(build_provider(settings, tuning), limiter)
    return Runtime(
        engine=engine,
        store=store,
        provider=provider,
        test_provider=build_test_provider(settings, tuning),
        limiter=limiter,
        inputs=PictureInputs(store, uploads_to=provider if settings.provider_inputs == "upload" else None),
        recorder=recorder,
        renewer=renewer,
        leases=Leases(tuning.lease, timedelta(seconds=build_timeouts(settings).call_s)),
        polling=tuning.polling,
        durations=Durations.of(engine),
        watcher_status=CachedWatcherStatus.of(engine),
        models=build_models(settings),
        prompts=PromptBook(themes=build_themes(settings)),
        retention=build_retention(settings),
        signer=build_signer(settings),
        visible_label=settings.visible_label,
        policy=replace(
            tuning.policy, spend_cap_micros=settings.job_spend_cap_micros, deadlines=build_deadlines(settings)
        ),
        list_settles_after_s=tuning.list_settles_after_s,
        public_url=_text(settings.public_url),
        secrets={name: getattr(settings, name).get_secret_value() for name in _MODEL_KEYS},
    )


def build_periodic_tasks(runtime: Runtime, hinter: Hinter, tuning: Tuning = _TUNING) -> tuple[PeriodicTask, ...]:
    """Return the periodic tasks that one worker process runs for all."""
    policy = runtime.retention
    leftovers = Leftovers(runtime.engine, runtime.store, policy.grace)
    rows = OldRows(runtime.engine, runtime.store, policy.rows)
    overdue = partial(end_overdue, runtime.engine, runtime.recorder, runtime.policy, runtime.leases.usual)
    first_after = timedelta(seconds=tuning.orphan_search_s)
    orphans = partial(search_orphans, runtime.engine, runtime.provider, first_after)
    test_orphans = partial(search_orphans, runtime.engine, runtime.test_provider, first_after, is_test=True)
    deletions = partial(carry_out_deletions, runtime.engine, runtime.store, runtime.providers)
    watcher = Watcher(runtime.engine, runtime.provider, hinter, runtime.poll_times, tuning.tracking)
    redrives = partial(continue_redrives, runtime.engine, hinter, runtime.policy.deadlines.job)
    sequencer = Sequencer(runtime.engine, every_s=tuning.sequence_every_s)
    return (
        # On their own: they must not wait for a long purge.
        PeriodicTask("watch", _WATCH_STEP_S, watcher.step, TRACKING),
        PeriodicTask("sequence", 0.0, sequencer.step, SEQUENCING, sequencer.close),
        PeriodicTask("redrives", _REDRIVES_EVERY_S, redrives, REDRIVING),
        PeriodicTask("orphans", tuning.orphan_search_s, orphans),
        PeriodicTask("test_orphans", tuning.orphan_search_s, test_orphans),
        PeriodicTask("overdue", _OVERDUE_EVERY_S, overdue),
        PeriodicTask("spend_caps", _SPEND_CAPS_EVERY_S, partial(recount_caps, runtime.engine)),
        PeriodicTask("upload_bytes", _UPLOAD_BYTES_EVERY_S, partial(add_up_uploads, runtime.engine)),
        PeriodicTask("statistics", _STATISTICS_EVERY_S, partial(keep_statistics, runtime.engine)),
        PeriodicTask("credit_statistics", _STATISTICS_EVERY_S, partial(keep_credit_statistics, runtime.engine)),
        PeriodicTask("deletions", _DELETIONS_EVERY_S, deletions),
        PeriodicTask("posted", _POSTED_EVERY_S, partial(purge_posted, runtime.engine, runtime.store)),
        PeriodicTask("retention", tuning.purge_every_s, lambda: purge_expired(runtime.engine, runtime.store, policy)),
        PeriodicTask("leftovers", tuning.purge_every_s, leftovers.purge),
        PeriodicTask("rows", tuning.purge_every_s, rows.purge),
    )


def build_retention(settings: Settings) -> RetentionPolicy:
    """Return how long things are kept."""
    days = {
        Kind.AVATAR: settings.retention_avatar_days,
        Kind.SCENE: settings.retention_scene_days,
        Kind.ANIMATION: settings.retention_video_days,
    }
    return RetentionPolicy(
        by_kind={kind: _days(kept) for kind, kept in days.items() if kept is not None},
        uploads=timedelta(hours=settings.retention_upload_hours),
        selfies=_days(settings.retention_selfie_days),
        outputs=_days(settings.retention_output_days),
        sources=_days(settings.retention_source_days),
        history=_days(settings.retention_history_days),
        rows=_days(settings.retention_row_days),
    )


def _days(days: int) -> timedelta | None:
    """Return that many days; None, which means forever, for 0."""
    return timedelta(days=days) if days else None


def _text(url: object) -> str | None:
    return None if url is None else str(url).rstrip("/")
