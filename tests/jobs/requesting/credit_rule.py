"""The rule for a job's credits as data: the tests and the table of docs/credits.md use it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """An event of a job, its effect on the credits in words, and the ledger entries that it leaves."""

    what: str
    credits: str
    entries: tuple[str, ...]


HELD, CHARGED = ("hold",), ("hold", "charge")
RELEASED, REFUNDED = ("hold", "release"), ("hold", "charge", "refund")

RULE: dict[str, Row] = {
    "accepted": Row("it is accepted", "its price is held", HELD),
    "succeeded": Row("it succeeds", "charged", CHARGED),
    "failed": Row("it fails, or a deadline passes, even if the provider must be paid", "released", RELEASED),
    "canceled queued": Row("anyone cancels it before it was submitted", "released", RELEASED),
    "canceled submitting": Row(
        "anyone cancels it while its submission is under way or being reconciled",
        "released, once the outcome is known and undone",
        RELEASED,
    ),
    "canceled generating": Row(
        "anyone cancels it later, before it has succeeded", "released, even if the provider must be paid", RELEASED
    ),
    "canceled too late": Row("anyone cancels it after it succeeded", "refused: it stays charged", CHARGED),
    "parent failed": Row("its parent fails or is canceled", "released", RELEASED),
    "rolled back": Row("it had succeeded, and is rolled back because a job of its story failed", "refunded", REFUNDED),
    "child canceled": Row(
        "it had succeeded, and its child is canceled", "nothing: it stays, and stays charged", CHARGED
    ),
    "refunded": Row("support refunds it after it succeeded", "refunded; it stays, and so does its child", REFUNDED),
    "tried again": Row("it is tried again", "its price is held again", (*RELEASED, "hold")),
    "undoing fails": Row("part of it cannot be undone, and waits for support", "released anyway", RELEASED),
}


def table() -> str:
    """Return the table of docs/credits.md."""
    rows = [f"| {row.what} | {row.credits} |" for row in RULE.values()]
    return "\n".join(["| what happens to a job | its credits |", "| --- | --- |", *rows, ""])
