"""Classify the provider's errors by a table: `failures.json`.

The first matching rule decides the class; the class gives the code, the user's messages while the job is retried and
after it failed, and the retry policy. The provider's own text never reaches an end user: it stays in `detail`, with
secrets masked, which only support can read. Text that no rule matches is treated as a transient fault and counted.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import structlog

from jobs.redaction import redacted
from statemachine.outcomes import Failure, RetryPolicy
from statemachine.vocabulary import ErrorCode

log = structlog.get_logger(__name__)

# A broken connection does not say how long to wait, and usually recovers at once.
_ASK_AGAIN_AFTER_S = 5.0
_DETAIL_LENGTH_MAX = 1000
# Text beyond this length is ignored: error responses may be whole pages.
_WORDS_LENGTH_MAX = 20_000
UNKNOWN = "unknown"
# A detail that came from an HTTP response.
_RESPONSE = re.compile(r"HTTP (\d{3}): (.*)", re.DOTALL)
_PAGE = re.compile(r"\s*<(!doctype|html|head|body)\b", re.IGNORECASE)
_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)


class Seen(StrEnum):
    """The place where a failure was seen."""

    TRANSPORT = "transport"  # no response: the exception's name and message
    HTTP = "http"  # an API response with status 400 or above: its body
    PREDICTION = "prediction"  # a prediction that failed: its error text
    OUTPUT = "output"  # a prediction that ended without a usable output: our own text


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition: the place, the status if given, and a pattern searched for in the text."""

    seen: Seen
    statuses: range | frozenset[int] | None
    pattern: re.Pattern[str]
    class_name: str

    def fits(self, seen: Seen, status: int | None, words: str) -> bool:
        """Return True if this rule matches what was seen."""
        if self.seen is not seen or (self.statuses is not None and status not in self.statuses):
            return False
        return self.pattern.search(words) is not None


@dataclass(frozen=True, slots=True)
class Table:
    """The rules in order, and each class as a failure without a detail."""

    rules: tuple[Rule, ...]
    classes: Mapping[str, Failure]


@cache
def table() -> Table:
    """Return the contents of the file."""
    whole = json.loads((files("jobs.providers") / "failures.json").read_text(encoding="utf-8"))
    classes = {name: _class(record) for name, record in whole["classes"].items()}
    return Table(tuple(_rule(record) for record in whole["rules"]), MappingProxyType(classes))


def _class(record: dict[str, Any]) -> Failure:
    """Read a class; `final` is the message if the job ends with it, `retries` the number of retries."""
    return Failure(
        ErrorCode(record["code"]),
        record["message"],
        RetryPolicy(record["retry_policy"]),
        final_message=record.get("final"),
        retries_max=record.get("retries"),
    )


def _rule(record: dict[str, Any]) -> Rule:
    given = record.get("status")
    statuses: range | frozenset[int] | None = None if given is None else frozenset(given)
    if given is not None and record.get("is_range"):
        statuses = range(given[0], given[1] + 1)
    return Rule(Seen(record["seen"]), statuses, re.compile(record["pattern"], re.IGNORECASE), record["class"])


def class_of(seen: Seen, words: str, status: int | None = None) -> str:
    """Return the class named by the first matching rule, or `unknown`."""
    return next((rule.class_name for rule in table().rules if rule.fits(seen, status, words)), UNKNOWN)


def classify(seen: Seen, words: str, status: int | None = None, retry_after_s: float | None = None) -> Failure:
    """Return the failure for what was seen. `words` is the provider's text, as received."""
    words = words[:_WORDS_LENGTH_MAX]
    name = class_of(seen, words, status)
    if name == UNKNOWN:
        _count_unknown(seen, words, status)
    line = _one_line(words) if status is None else f"HTTP {status}: {_one_line(words)}"
    # Masked before it is cut: half a key would no longer look like one.
    detail = redacted(line)[:_DETAIL_LENGTH_MAX]
    return replace(table().classes[name], detail=detail, retry_after_s=retry_after_s, status=status)


def _one_line(words: str) -> str:
    """Return text as one line; of a whole HTML page, as proxies return, only the visible text."""
    if _PAGE.match(words):
        words = html.unescape(_MARKUP.sub(" ", words))
    return " ".join(words.split())


def of_prediction_error(text: str) -> Failure:
    """Return the failure for the error text of a failed prediction."""
    return classify(Seen.PREDICTION, text)


def of_status(status: int, body: str, retry_after_s: float | None) -> Failure:
    """Return the failure for an HTTP error of the provider's API (status 400 and above)."""
    return classify(Seen.HTTP, body, status, retry_after_s)


def reports_gone_model(detail: str) -> bool:
    """Return True if a failure's stored detail says that the provider no longer has the model."""
    response = _RESPONSE.fullmatch(detail)
    name = class_of(Seen.HTTP, response[2], int(response[1])) if response else class_of(Seen.PREDICTION, detail)
    return table().classes[name].retry_policy is RetryPolicy.ANOTHER_MODEL


def unreachable(error: Exception) -> Failure:
    """Return the failure for a failed connection."""
    return classify(Seen.TRANSPORT, f"{type(error).__name__}: {error}", retry_after_s=_ASK_AGAIN_AFTER_S)


def busy(detail: str, retry_after_s: float) -> Failure:
    """Return the failure for a provider that has no result yet; `detail` is our own text."""
    return replace(table().classes["busy"], detail=detail, retry_after_s=retry_after_s)


def timed_out(after_s: float) -> Failure:
    """Return the failure for a prediction that took too long, or that the provider ended for taking too long."""
    return classify(Seen.OUTPUT, f"no result after {after_s:.0f} s")


def empty_output() -> Failure:
    """Return the failure for a success without outputs: the content check of some models responds like that."""
    return classify(Seen.OUTPUT, "succeeded without any output")


def odd_output(oddity: str) -> Failure:
    """Return the failure for a success with unusable output; `oddity` is `Prediction.oddity`."""
    return classify(Seen.OUTPUT, oddity)


def output_expired(detail: str) -> Failure:
    """Return the failure for an output that vanished before it was copied."""
    return replace(table().classes["expired"], detail=redacted(detail[:_WORDS_LENGTH_MAX])[:_DETAIL_LENGTH_MAX])


class UnknownWords:
    """Counts unmatched texts in this process, by a digest of their shape: ids and numbers are ignored."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, seen: Seen, words: str, status: int | None) -> tuple[str, int]:
        """Count a text and return its digest with its count."""
        shape = re.sub(r"[0-9a-f]{8,}|\d+", "#", f"{seen} {status} {words[:_DETAIL_LENGTH_MAX]}".lower())
        digest = hashlib.sha256(shape.encode(errors="replace")).hexdigest()[:12]
        with self._lock:
            self._counts[digest] += 1
            return digest, self._counts[digest]

    def counts(self) -> dict[str, int]:
        """Return the count of each digest."""
        with self._lock:
            return dict(self._counts)


unknown_words = UnknownWords()


def _count_unknown(seen: Seen, words: str, status: int | None) -> None:
    """Count and log unmatched text. Only its digest is logged: it may repeat what a user wrote."""
    digest, count = unknown_words.add(seen, words, status)
    log.warning("unknown provider error", seen=str(seen), status=status, digest=digest, count=count)
