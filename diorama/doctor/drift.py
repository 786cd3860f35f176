"""Compares the configured models with their live schemas, for the doctor and once when a worker starts."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import structlog

from diorama.settings import Settings
from diorama.wiring import build_models
from jobs.providers.drift import Drift, SchemaUnknown, drift_of, live_schema
from jobs.providers.profiles import Profile

log = structlog.get_logger(__name__)


def usable_profiles(settings: Settings) -> list[Profile]:
    """Return the profiles of the configured models that can be used today, without duplicates."""
    models = build_models(settings)
    profiles = {entry.model: entry.profile for entry in models.entries}
    return [profile for profile in profiles.values() if models.unusable(profile) is None]


def compared(settings: Settings) -> Iterator[tuple[Profile, list[Drift] | SchemaUnknown]]:
    """Yield each usable model with its drift, or with the reason why its schema cannot be read; one read per model."""
    headers = {"Authorization": f"Bearer {settings.replicate_api_token.get_secret_value()}"}
    with httpx.Client(base_url=str(settings.replicate_base_url), headers=headers) as client:
        for profile in usable_profiles(settings):
            try:
                yield profile, drift_of(profile, live_schema(client, profile.model))
            except SchemaUnknown as unknown:
                yield profile, unknown


def log_drift(settings: Settings) -> None:
    """Log a warning for each field that has drifted. Never raises: work goes on, and the provider has the last word."""
    try:
        for profile, found in compared(settings):
            if isinstance(found, SchemaUnknown):
                log.warning("model schema unknown", model=profile.model, problem=str(found))
                continue
            for drift in found:
                log.warning("model schema drift", model=drift.model, field=drift.field, problem=drift.problem)
    except Exception:
        log.exception("model schemas could not be compared")


def log_drift_aside(settings: Settings) -> threading.Thread:
    """Log the drift from a thread of its own, so that nothing waits for the provider."""
    thread = threading.Thread(target=log_drift, args=(settings,), name="schema-drift", daemon=True)
    thread.start()
    return thread
