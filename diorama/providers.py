"""Builds the provider and the stand-in of test jobs from the settings."""

from __future__ import annotations

import httpx

from diorama.settings import Settings, SettingsError
from diorama.tuning import Tuning
from jobs.providers.absent import AbsentProvider
from jobs.providers.guard import Timeouts
from jobs.providers.provider import Provider
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings

_TUNING = Tuning()


def build_provider(settings: Settings, tuning: Tuning = _TUNING) -> ReplicateProvider:
    """Return the provider; nothing is connected yet."""
    return ReplicateProvider(
        ReplicateSettings(
            api_token=settings.replicate_api_token.get_secret_value(),
            base_url=str(settings.replicate_base_url).rstrip("/"),
            delivery_hosts=settings.replicate_delivery_hosts,
            timeouts=build_timeouts(settings),
            first_poll_s=tuning.polling.least_s,
        )
    )


def build_test_provider(settings: Settings, tuning: Tuning = _TUNING) -> Provider:
    """Return the stand-in of test jobs, which gets no token of ours; nothing is connected yet."""
    url = settings.test_provider_url
    if url is None:
        return AbsentProvider()
    if (url.host, url.port) == (settings.replicate_base_url.host, settings.replicate_base_url.port):
        raise SettingsError("TEST_PROVIDER_URL is wrong: it is the provider itself, where test jobs would be paid for.")
    return ReplicateProvider(
        ReplicateSettings(
            api_token="test",  # noqa: S106 - a stand-in gets no token of ours
            base_url=str(url).rstrip("/"),
            delivery_hosts=settings.test_provider_delivery_hosts or (httpx.URL(str(url)).netloc.decode(),),
            timeouts=build_timeouts(settings),
            first_poll_s=tuning.polling.least_s,
        )
    )


def build_timeouts(settings: Settings) -> Timeouts:
    """Return how long a call to the provider may take."""
    return Timeouts(response_s=settings.provider_timeout_s)
