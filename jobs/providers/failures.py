"""From what the provider says to what the engine does, as a table: `failures.json`.

The first rule that fits decides the class; the class says the code and the words for the end user, while it is tried
again and in the end, and what helps.
Nothing of the provider's own words ever reaches an end user: they stay in `detail`, without secrets, which only
support can read. Words that no rule knows are taken for a passing fault and counted.
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

# A connection that broke says nothing of how long to wait, and is most often whole again at once.
_ASK_AGAIN_AFTER_S = 5.0
_DETAIL_LENGTH_MAX = 1000
# What the other side says beyond this is not looked at: whole pages come as error answers.
_WORDS_LENGTH_MAX = 20_000
UNKNOWN = "unknown"
# A detail that tells of an HTTP answer.
_ANSWER = re.compile(r"HTTP (\d{3}): (.*)", re.DOTALL)
_PAGE = re.compile(r"\s*<(!doctype|html|head|body)\b", re.IGNORECASE)
_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)


class Seen(StrEnum):
    """Where a failure was seen."""

    TRANSPORT = "transport"  # no answer: the exception's name and words
    HTTP = "http"  # an answer of the API with status 400 or above: its body
    PREDICTION = "prediction"  # a prediction that failed: its error text
    OUTPUT = "output"  # a prediction that ended without a usable output: our own words


@dataclass(frozen=True, slots=True)
class Rule:
    """What fits: the place, the status where one is named, and a pattern that is found in the words."""

    seen: Seen
    statuses: range | frozenset[int] | None
    pattern: re.Pattern[str]
    class_name: str

    def fits(self, seen: Seen, status: int | None, words: str) -> bool:
        """Whether this rule is about what was seen."""
        if self.seen is not seen or (self.statuses is not None and status not in self.statuses):
            return False
        return self.pattern.search(words) is not None


@dataclass(frozen=True, slots=True)
class Table:
    """The rules in their order, and each class as the failure it is, without a detail."""

    rules: tuple[Rule, ...]
    classes: Mapping[str, Failure]


@cache
def table() -> Table:
    """Return what the file says."""
    whole = json.loads((files("jobs.providers") / "failures.json").read_text(encoding="utf-8"))
    classes = {name: _class(record) for name, record in whole["classes"].items()}
    return Table(tuple(_rule(record) for record in whole["rules"]), MappingProxyType(classes))


def _class(record: dict[str, Any]) -> Failure:
    """Read a class; `final` is what is told where the job ends with it, `retries` how often it is tried again."""
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
    """Return the name of the class that the first fitting rule names, or `unknown`."""
    return next((rule.class_name for rule in table().rules if rule.fits(seen, status, words)), UNKNOWN)


def classify(seen: Seen, words: str, status: int | None = None, retry_after_s: float | None = None) -> Failure:
    """Return what was seen as a failure. `words` are the other side's, as they came."""
    words = words[:_WORDS_LENGTH_MAX]
    name = class_of(seen, words, status)
    if name == UNKNOWN:
        _count_unknown(seen, words, status)
    told = _one_line(words) if status is None else f"HTTP {status}: {_one_line(words)}"
    # Masked before it is cut: half a key would no longer look like one.
    detail = redacted(told)[:_DETAIL_LENGTH_MAX]
    return replace(table().classes[name], detail=detail, retry_after_s=retry_after_s, status=status)


def _one_line(words: str) -> str:
    """Return words as one line; of a whole page, which proxies answer with, only what a reader would see."""
    if _PAGE.match(words):
        words = html.unescape(_MARKUP.sub(" ", words))
    return " ".join(words.split())


def of_prediction_error(text: str) -> Failure:
    """Return what the error text of a failed prediction means."""
    return classify(Seen.PREDICTION, text)


def of_status(status: int, body: str, retry_after_s: float | None) -> Failure:
    """Return what an HTTP error of the provider's API means (status 400 and above)."""
    return classify(Seen.HTTP, body, status, retry_after_s)


def tells_of_gone_model(detail: str) -> bool:
    """Whether a failure's detail, as it was kept, says that the provider has no such model."""
    answer = _ANSWER.fullmatch(detail)
    name = class_of(Seen.HTTP, answer[2], int(answer[1])) if answer else class_of(Seen.PREDICTION, detail)
    return table().classes[name].retry_policy is RetryPolicy.ANOTHER_MODEL


def unreachable(error: Exception) -> Failure:
    """Return what a failed connection means."""
    return classify(Seen.TRANSPORT, f"{type(error).__name__}: {error}", retry_after_s=_ASK_AGAIN_AFTER_S)


def busy(detail: str, retry_after_s: float) -> Failure:
    """Return what it means that the provider can not say yet; `detail` is in our own words."""
    return replace(table().classes["busy"], detail=detail, retry_after_s=retry_after_s)


def timed_out(after_s: float) -> Failure:
    """Return what it means that a prediction took too long, or was ended for that by the provider."""
    return classify(Seen.OUTPUT, f"no result after {after_s:.0f} s")


def empty_output() -> Failure:
    """Return what a success without outputs means: the content check of some models answers so."""
    return classify(Seen.OUTPUT, "succeeded without any output")


def odd_output(oddity: str) -> Failure:
    """Return what a success means whose output is not what the model was to give; `oddity` is `Prediction.oddity`."""
    return classify(Seen.OUTPUT, oddity)


def output_expired(detail: str) -> Failure:
    """Return what it means that an output was gone before it could be copied."""
    return replace(table().classes["expired"], detail=redacted(detail[:_WORDS_LENGTH_MAX])[:_DETAIL_LENGTH_MAX])


class UnknownWords:
    """Counts what no rule knew, in this process, by a digest of its shape: ids and numbers in it do not matter."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, seen: Seen, words: str, status: int | None) -> tuple[str, int]:
        """Count words and return their digest with how often they have been seen."""
        shape = re.sub(r"[0-9a-f]{8,}|\d+", "#", f"{seen} {status} {words[:_DETAIL_LENGTH_MAX]}".lower())
        digest = hashlib.sha256(shape.encode(errors="replace")).hexdigest()[:12]
        with self._lock:
            self._counts[digest] += 1
            return digest, self._counts[digest]

    def counts(self) -> dict[str, int]:
        """Return how often each digest has been seen."""
        with self._lock:
            return dict(self._counts)


unknown_words = UnknownWords()


def _count_unknown(seen: Seen, words: str, status: int | None) -> None:
    """Count and log words without a rule. Only their digest is logged: they may repeat what a user wrote."""
    digest, count = unknown_words.add(seen, words, status)
    log.warning("provider said something unknown", seen=str(seen), status=status, digest=digest, count=count)
