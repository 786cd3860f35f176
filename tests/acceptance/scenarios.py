"""The scenarios: what the provider does to single jobs, and what becomes of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.stocked_system import PREFERRED

CREATE: dict[str, Any] = {"operation": "predictions.create"}
ONCE: dict[str, Any] = {"count": 1}
BAD_GATEWAY: dict[str, Any] = {"options": {"status": 502}}


def fails(code: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """A prediction that fails with the text of a code."""
    return "fail", {"options": {"code": code}, **more}


@dataclass(frozen=True)
class Scenario:
    """What the provider does to one job, and what becomes of it: its end, and its paid calls, first to last."""

    name: str
    faults: tuple[tuple[str, dict[str, Any]], ...]
    attempts: tuple[str, ...] = ("succeeded",)
    code: str | None = None
    met: str | None = None
    """An event without which the scenario has not happened."""

    @property
    def state(self) -> str:
        return "succeeded" if self.code is None else "failed"


AGAIN = ("failed", "succeeded")
NO_MORE = ("failed",) * 4

SCENARIOS = (
    Scenario("none", ()),
    # The answer of the paid call is lost: it is found by its token, and paid for once.
    Scenario("create hangs, prediction runs", (("hang_after_accept", {**CREATE, **ONCE}),), met="orphan_found"),
    Scenario("connection reset, prediction runs", (("reset_after_accept", {**CREATE, **ONCE}),), met="orphan_found"),
    Scenario("502, prediction runs", (("error_after_accept", {**CREATE, **ONCE, **BAD_GATEWAY}),), met="orphan_found"),
    Scenario("page for an answer, prediction runs", (("garble_body", {**CREATE, **ONCE}),), met="orphan_found"),
    Scenario(
        "webhook is missing from the prediction",
        (("omit_webhook", {}), ("hang_after_accept", {**CREATE, **ONCE})),
        met="orphan_found",
    ),
    # The provider never saw it, and only its list can tell: nothing was paid, and it is submitted again.
    Scenario(
        "create hangs, nothing runs",
        (("hang_before_accept", {**CREATE, **ONCE}),),
        ("absent", "succeeded"),
        met="orphan_absent",
    ),
    Scenario(
        "502 twice",
        (("server_error", {**CREATE, **BAD_GATEWAY, "count": 2}),),
        ("absent", "absent", "succeeded"),
        met="orphan_absent",
    ),
    # It is refused for a while, which costs nothing and no retry.
    Scenario(
        "throttled five times",
        (("throttle", {**CREATE, "count": 5, "options": {"retry_after_s": 1}}),),
        (*("refused",) * 5, "succeeded"),
        met="refused",
    ),
    # The provider failed in passing.
    Scenario("E9828 once", (fails("E9828", **ONCE),), AGAIN, met="generation_failed"),
    Scenario("PA three times", (fails("PA", count=3),), (*("failed",) * 3, "succeeded")),
    Scenario("E9828 for ever", (fails("E9828"),), NO_MORE, "provider_unavailable"),
    Scenario("PA for ever", (fails("PA"),), NO_MORE, "provider_unavailable"),
    Scenario("E003 once", (fails("E003", **ONCE),), AGAIN, met="generation_failed"),
    Scenario("E003 for ever", (fails("E003"),), NO_MORE, "provider_unavailable"),
    Scenario("E1001 for ever", (fails("E1001"),), ("failed",) * 2, "provider_rejected"),
    Scenario("unknown words once", (("fail", {"options": {"error": "ur5 exploded"}, **ONCE}),), AGAIN),
    # It will never work with this input: nothing is tried again.
    Scenario("E005", (fails("E005"),), ("failed",), "content_rejected"),
    Scenario("moderation_blocked", (fails("moderation_blocked"),), ("failed",), "content_rejected"),
    Scenario("empty list", (("empty_output", {}),), ("failed",), "content_rejected"),
    # What was paid for is taken, however it is wrapped.
    Scenario("one address for a list", (("wrong_output_type", {}),)),
    # What holds no address is the provider's fault, not the user's.
    Scenario("an object for a list", (("odd_output", ONCE),), AGAIN, met="generation_failed"),
    Scenario("nulls for ever", (("odd_output", {"options": {"shape": "null"}}),), NO_MORE, "output_invalid"),
    Scenario(
        "a picture inside the answer",
        (("odd_output", {"options": {"shape": "inline"}}),),
        ("failed",),
        "output_invalid",
    ),
    # The preferred model is gone: the next one makes it.
    Scenario(
        "no such model", (("not_found", {**CREATE, "model": PREFERRED}),), ("refused", "succeeded"), met="refused"
    ),
    Scenario("a status that nobody knows", (("unknown_status", {}),)),
    # The output is of no use, or gone.
    Scenario("picture cut short once", (("truncate_file", ONCE),), ("succeeded", "succeeded"), met="output_invalid"),
    Scenario(
        "page for a picture", (("wrong_file_type", {}),), ("succeeded",) * 4, "output_invalid", met="output_invalid"
    ),
    Scenario(
        "nothing for a picture", (("wrong_file_type", {**ONCE, "options": {"type": "empty"}}),), ("succeeded",) * 2
    ),
    Scenario("output lost once", (("lose_file", ONCE),), ("succeeded",) * 2, met="output_gone"),
    Scenario("output expired for ever", (("expire_output", {}),), NO_MORE, "output_expired"),
    # The deadline passed in the provider's queue: that was free.
    Scenario("aborted once", (("abort", ONCE),), AGAIN, met="generation_failed"),
    Scenario("aborted for ever", (("abort", {}),), NO_MORE, "provider_timeout"),
)

# What concerns our account, or a model as a whole, and how often it is met: more often than a job may pay.
ACCOUNT_TROUBLE: dict[str, tuple[str, dict[str, Any]]] = {
    "401": ("unauthorized", {**CREATE, "count": 2}),
    "402": ("payment_required", {**CREATE, "count": 2}),
    "429 for want of credit": ("throttle_low_credit", {**CREATE, "count": 2, "options": {"retry_after_s": 1}}),
    "E001": fails("E001", count=5),
    "model_not_found": fails("model_not_found", count=5),
}
