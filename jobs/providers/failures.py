"""From what the provider says to what the engine does, as a table.

Nothing of the provider's own words ever reaches an end user: they stay in `detail`, which only support can read.
Codes and wordings: Replicate's error-code reference and bodies recorded from its API.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from statemachine.outcomes import Cure, Failure
from statemachine.states import ErrorCode

_BUSY = "The picture service is busy. We keep trying."
_BROKEN = "The picture service failed. Please try again."
_UNAVAILABLE = "The picture service can not be used right now. We keep trying."
_DETAIL_LENGTH_MAX = 1000


@dataclass(frozen=True, slots=True)
class Rule:
    """What a text of a failed prediction means; the first rule whose pattern is found applies."""

    pattern: re.Pattern[str]
    code: ErrorCode
    cure: Cure
    message: str


def _rule(pattern: str, code: ErrorCode, cure: Cure, message: str) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), code, cure, message)


_REJECTED = (
    "This picture or text was declined by the content check of the picture service. "
    "Please try another photo or other words."
)

PREDICTION_RULES: tuple[Rule, ...] = (
    _rule(
        r"\(E005\)|flagged as sensitive|moderation_blocked|safety system|content policy",
        ErrorCode.CONTENT_REJECTED,
        Cure.NEVER,
        _REJECTED,
    ),
    _rule(r"\(E00[12]\)", ErrorCode.PROVIDER_ACCOUNT, Cure.OPERATOR, _UNAVAILABLE),
    _rule(r"model_not_found|has been deprecated", ErrorCode.PROVIDER_ACCOUNT, Cure.OPERATOR, _UNAVAILABLE),
    _rule(r"\(E00[34]\)|high demand|temporarily unavailable", ErrorCode.PROVIDER_UNAVAILABLE, Cure.RETRY, _BUSY),
    _rule(r"\(E1001\)|out of memory", ErrorCode.PROVIDER_REJECTED, Cure.RETRY, _BROKEN),
    _rule(r"\(E4875\)", ErrorCode.INTERNAL, Cure.NEVER, _BROKEN),
    _rule(r"\(E\d{3,4}\)|\(code: [A-Z]+\)", ErrorCode.PROVIDER_UNAVAILABLE, Cure.RETRY, _BROKEN),
    _rule(
        r"download|unable to (open|read|fetch)|failed to (open|read|fetch)",
        ErrorCode.INPUT_UNREADABLE,
        Cure.RETRY,
        "The picture service could not read the picture. Please try again.",
    ),
)

# Unknown words are taken for a passing fault: retried a bounded number of times, then told as such.
_UNKNOWN = Rule(re.compile(""), ErrorCode.PROVIDER_REJECTED, Cure.RETRY, _BROKEN)


def of_prediction_error(text: str) -> Failure:
    """Return what the error text of a failed prediction means."""
    rule = next((rule for rule in PREDICTION_RULES if rule.pattern.search(text)), _UNKNOWN)
    return Failure(rule.code, rule.message, rule.cure, _shortened(text))


def of_status(status: int, body: str, retry_after_s: float | None) -> Failure:
    """Return what an HTTP error of the provider's API means (status 400 and above)."""
    detail = _shortened(f"HTTP {status}: {body}")
    if status == 429:
        return Failure(ErrorCode.PROVIDER_UNAVAILABLE, _BUSY, Cure.WAIT, detail, retry_after_s)
    if status in (401, 402, 403, 404):
        # The account, the token or the model is wrong. An operator must see to it; the user can do nothing.
        return Failure(ErrorCode.PROVIDER_ACCOUNT, _UNAVAILABLE, Cure.OPERATOR, detail)
    if status >= 500:
        return Failure(ErrorCode.PROVIDER_UNAVAILABLE, _BUSY, Cure.WAIT, detail, retry_after_s)
    message = "The picture service did not accept this request. Please try another photo or other words."
    return Failure(ErrorCode.PROVIDER_REJECTED, message, Cure.NEVER, detail)


def unreachable(error: Exception) -> Failure:
    """Return what a failed connection means."""
    return Failure(ErrorCode.PROVIDER_UNAVAILABLE, _BUSY, Cure.WAIT, f"{type(error).__name__}: {error}")


def timed_out(after_s: float) -> Failure:
    """Return what it means that a prediction took too long, or was ended for that by the provider."""
    return Failure(
        ErrorCode.PROVIDER_TIMEOUT,
        "The picture service took too long. Please try again.",
        Cure.RETRY,
        f"no result after {after_s:.0f} s",
    )


def empty_output() -> Failure:
    """Return what a success without outputs means: the content check of some models answers so."""
    return Failure(ErrorCode.CONTENT_REJECTED, _REJECTED, Cure.NEVER, "succeeded without any output")


def output_expired(detail: str) -> Failure:
    """Return what it means that an output was gone before it could be copied."""
    return Failure(
        ErrorCode.OUTPUT_EXPIRED, "The result was gone before it could be saved. Please try again.", Cure.RETRY, detail
    )


def _shortened(text: str) -> str:
    return text[:_DETAIL_LENGTH_MAX]
