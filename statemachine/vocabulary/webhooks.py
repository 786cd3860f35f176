"""Words of webhooks to partners."""

from __future__ import annotations

from enum import StrEnum


class WebhookEventType(StrEnum):
    """The events that a partner's endpoint can receive. A message spells them with a dot: `job.succeeded`."""

    JOB_REQUESTED = "job_requested"
    JOB_PROGRESSED = "job_progressed"
    JOB_SUCCEEDED = "job_succeeded"
    JOB_FAILED = "job_failed"
    JOB_CANCELED = "job_canceled"
    STORY_BEGAN = "story_began"
    STORY_SUCCEEDED = "story_succeeded"
    STORY_FAILED = "story_failed"
    STORY_CANCELED = "story_canceled"
    ENDPOINT_DISABLED = "endpoint_disabled"
    BALANCE_LOW = "balance_low"

    @property
    def dotted(self) -> str:
        """Return the word as messages spell it."""
        return self.value.replace("_", ".", 1)


class WebhookEndpointState(StrEnum):
    """The state of a partner's endpoint. Derived when it is read, never stored."""

    ENABLED = "enabled"
    FAILING = "failing"  # its last delivery failed, and is tried again
    DISABLED = "disabled"


class WebhookDisabledReason(StrEnum):
    """The reason why an endpoint is disabled."""

    REQUESTED = "requested"
    GONE = "gone"  # it responded with 410
    FAILED = "failed"  # every delivery failed for three days


class WebhookFailure(StrEnum):
    """The reason why a delivery failed."""

    BAD_STATUS = "bad_status"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
