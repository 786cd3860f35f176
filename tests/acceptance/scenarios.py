"""The scenarios: faults of the provider for single jobs, and the end of each job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.system import PREFERRED

CREATE: dict[str, Any] = {"operation": "predictions.create"}
ONCE: dict[str, Any] = {"count": 1}
BAD_GATEWAY: dict[str, Any] = {"options": {"status": 502}}


def fails(code: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """Return the fault by which a prediction fails with the text of an error code."""
    return "fail", {"options": {"code": code}, **more}


@dataclass(frozen=True)
class Scenario:
    """Faults of the provider for one job, and their result: its error code, if it fails, and its attempts in order."""

    name: str
    faults: tuple[tuple[str, dict[str, Any]], ...]
    attempts: tuple[str, ...] = ("succeeded",)
    code: str | None = None
    expected_event: str | None = None
    """An event that shows that the fault happened."""

    @property
    def state(self) -> str:
        return "succeeded" if self.code is None else "failed"


RETRIED = ("failed", "succeeded")
GIVEN_UP = ("failed",) * 4

SCENARIOS = (
    Scenario("none", ()),
    # The response of the paid call is lost: the prediction is found by its token, and paid for once.
    Scenario(
        "create hangs, prediction runs", (("hang_after_accept", {**CREATE, **ONCE}),), expected_event="orphan_found"
    ),
    Scenario(
        "connection reset, prediction runs",
        (("reset_after_accept", {**CREATE, **ONCE}),),
        expected_event="orphan_found",
    ),
    Scenario(
        "502, prediction runs",
        (("error_after_accept", {**CREATE, **ONCE, **BAD_GATEWAY}),),
        expected_event="orphan_found",
    ),
    Scenario(
        "page instead of a response, prediction runs",
        (("garble_body", {**CREATE, **ONCE}),),
        expected_event="orphan_found",
    ),
    Scenario(
        "webhook is missing from the prediction",
        (("omit_webhook", {}), ("hang_after_accept", {**CREATE, **ONCE})),
        expected_event="orphan_found",
    ),
    # The provider never saw the call, as its list proves: nothing was paid, and the job is submitted again.
    Scenario(
        "create hangs, nothing runs",
        (("hang_before_accept", {**CREATE, **ONCE}),),
        ("absent", "succeeded"),
        expected_event="orphan_absent",
    ),
    Scenario(
        "502 twice",
        (("server_error", {**CREATE, **BAD_GATEWAY, "count": 2}),),
        ("absent", "absent", "succeeded"),
        expected_event="orphan_absent",
    ),
    # The provider refuses for a while, which costs neither money nor a retry.
    Scenario(
        "throttled five times",
        (("throttle", {**CREATE, "count": 5, "options": {"retry_after_s": 1}}),),
        (*("refused",) * 5, "succeeded"),
        expected_event="refused",
    ),
    # The provider fails, transiently or for good.
    Scenario("E9828 once", (fails("E9828", **ONCE),), RETRIED, expected_event="generation_failed"),
    Scenario("PA three times", (fails("PA", count=3),), (*("failed",) * 3, "succeeded")),
    Scenario("always E9828", (fails("E9828"),), GIVEN_UP, "provider_unavailable"),
    Scenario("always PA", (fails("PA"),), GIVEN_UP, "provider_unavailable"),
    Scenario("E003 once", (fails("E003", **ONCE),), RETRIED, expected_event="generation_failed"),
    Scenario("always E003", (fails("E003"),), GIVEN_UP, "provider_unavailable"),
    Scenario("always E1001", (fails("E1001"),), ("failed",) * 2, "provider_rejected"),
    Scenario("unknown text once", (("fail", {"options": {"error": "ur5 exploded"}, **ONCE}),), RETRIED),
    # It will never work with this input: the job is not retried.
    Scenario("E005", (fails("E005"),), ("failed",), "content_rejected"),
    Scenario("moderation_blocked", (fails("moderation_blocked"),), ("failed",), "content_rejected"),
    Scenario("empty list", (("empty_output", {}),), ("failed",), "content_rejected"),
    # A paid output is accepted, however it is wrapped.
    Scenario("one address instead of a list", (("wrong_output_type", {}),)),
    Scenario("a picture inside the response", (("odd_output", {"options": {"shape": "inline"}}),)),
    # An output without an address is the provider's fault, not the user's.
    Scenario("an object instead of a list", (("odd_output", ONCE),), RETRIED, expected_event="generation_failed"),
    Scenario("always nulls", (("odd_output", {"options": {"shape": "null"}}),), GIVEN_UP, "output_invalid"),
    Scenario(
        "a text inside the response",
        (("odd_output", {"options": {"shape": "inline_text"}}),),
        ("failed",),
        "output_invalid",
    ),
    # The preferred model is gone: the next one makes the picture.
    Scenario(
        "no such model",
        (("not_found", {**CREATE, "model": PREFERRED}),),
        ("refused", "succeeded"),
        expected_event="refused",
    ),
    Scenario("an unknown status", (("unknown_status", {}),)),
    # The output is unusable, or gone.
    Scenario(
        "picture cut short once",
        (("truncate_file", ONCE),),
        ("succeeded", "succeeded"),
        expected_event="output_invalid",
    ),
    Scenario(
        "page instead of a picture",
        (("wrong_file_type", {}),),
        ("succeeded",) * 4,
        "output_invalid",
        expected_event="output_invalid",
    ),
    Scenario(
        "empty file instead of a picture",
        (("wrong_file_type", {**ONCE, "options": {"type": "empty"}}),),
        ("succeeded",) * 2,
    ),
    Scenario("output lost once", (("lose_file", ONCE),), ("succeeded",) * 2, expected_event="output_gone"),
    Scenario("output always expired", (("expire_output", {}),), GIVEN_UP, "output_expired"),
    # The deadline passes in the provider's queue, which is free.
    Scenario("aborted once", (("abort", ONCE),), RETRIED, expected_event="generation_failed"),
    Scenario("always aborted", (("abort", {}),), GIVEN_UP, "provider_timeout"),
)

# Errors of our account, or of a model as a whole. Each happens more often than a job may pay for an attempt.
ACCOUNT_ERRORS: dict[str, tuple[str, dict[str, Any]]] = {
    "401": ("unauthorized", {**CREATE, "count": 2}),
    "402": ("payment_required", {**CREATE, "count": 2}),
    "429 for want of credit": ("throttle_low_credit", {**CREATE, "count": 2, "options": {"retry_after_s": 1}}),
    "E001": fails("E001", count=5),
    "model_not_found": fails("model_not_found", count=5),
}
