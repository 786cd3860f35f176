"""Claims of endpoints: a worker leases one, delivers its next messages in order, and records its new position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from db.ids import new_id
from db.records.webhook_deliveries import Attempted
from db.statements import as_json, execute
from statemachine.vocabulary import (
    ErrorCode,
    Event,
    Kind,
    State,
    WebhookDisabledReason,
    WebhookEventType,
)

# The entries of an account's activity that one claim reads at most for an endpoint that receives few of them.
_SCANNED_MAX = 1000


@dataclass(frozen=True, slots=True)
class ActivityFacts:
    """An entry of an account's activity, with what a message says about it.

    The fields of a job are None in what concerns a story alone. `metadata` and `user_ref` are those of the request.
    `endpoint_id`, with its URL and its reason now, is set in what concerns an endpoint; `available` and
    `low_balance_mark`, as they are now, in what concerns the account's balance.
    """

    position: int
    type: WebhookEventType
    at: datetime
    job_id: UUID | None
    seq: int | None
    story_id: UUID | None
    kind: Kind | None
    state: State | None
    event: Event | None
    percent: int | None
    error_code: ErrorCode | None
    error_message: str | None
    output_id: UUID | None
    metadata: Any
    user_ref: str | None
    endpoint_id: UUID | None
    endpoint_url: str | None
    disabled_reason: WebhookDisabledReason | None
    available: int | None
    low_balance_mark: int | None

    @classmethod
    def from_row(cls, row: Any) -> ActivityFacts:
        """Return the entry of a row; raise ValueError for a word of a newer program."""
        given = {field.name: getattr(row, field.name) for field in fields(cls)}
        for name, words in _WORDS.items():
            given[name] = None if given[name] is None else words(given[name])
        return cls(**given)


_WORDS = {
    "type": WebhookEventType,
    "kind": Kind,
    "state": State,
    "event": Event,
    "error_code": ErrorCode,
    "disabled_reason": WebhookDisabledReason,
}


@dataclass(frozen=True, slots=True)
class ClaimedEndpoint:
    """An endpoint that is leased to this worker, and its next messages.

    `upto` is how far the activity was read for it: the position once all of them are delivered. `has_more` says that
    more may follow. `failing_for` is zero unless the last attempt failed.
    """

    id: UUID
    account_id: UUID
    url: str
    secrets: tuple[str, ...]
    lease: int
    failures: int
    failing_for: timedelta
    position: int
    upto: int
    entries: tuple[ActivityFacts, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class EndpointResult:
    """The result of serving an endpoint. `position` is that of the last delivered message, or `upto` after all."""

    id: UUID
    lease: int
    from_position: int
    position: int
    delivered: int
    failures: int
    wait_s: float
    disabled_reason: WebhookDisabledReason | None

    def has_more(self, endpoint: ClaimedEndpoint) -> bool:
        """Return True if there may be more to deliver to the endpoint at once."""
        return not self.failures and (self.position < endpoint.upto or endpoint.has_more)


@dataclass(frozen=True, slots=True)
class Claimed:
    """The endpoints of one claim. `is_last` says that no more are due."""

    endpoints: Sequence[ClaimedEndpoint]
    is_last: bool


def claim_endpoints(
    conn: Connection, *, worker: str, failing: bool, limit: int, most: int, lease_for: timedelta
) -> Claimed:
    """Lease up to `limit` due endpoints that have messages, with `most` messages each, the longest due first.

    An endpoint that receives nothing of what is new is moved on instead.
    """
    ids = [row.id for row in execute(conn, "due_webhook_endpoints", given={"failing": failing, "limit": limit})]
    if not ids:
        return Claimed((), is_last=True)
    rows = execute(conn, "webhook_messages", given={"ids": ids, "most": most, "scan": _SCANNED_MAX})
    found = [_claimed(list(of_one), most) for _, of_one in groupby(rows, key=lambda row: row.id)]
    claimed = [each for each in found if each.entries]
    passed = [each for each in found if not each.entries and each.upto > each.position]
    if claimed:
        given = {"ids": [each.id for each in claimed], "worker": worker, "lease_for": lease_for}
        execute(conn, "lease_webhook_endpoints", given=given)
    if passed:
        moved = as_json({"id": each.id, "upto": each.upto} for each in passed)
        execute(conn, "pass_webhook_endpoints", given={"rows": moved})
    return Claimed(claimed, is_last=len(ids) < limit and not any(each.has_more for each in passed))


def _claimed(rows: Sequence[Any], most: int) -> ClaimedEndpoint:
    first = rows[0]
    found = [row for row in rows if row.position is not None]
    entries = tuple(_readable(found))
    return ClaimedEndpoint(
        id=first.id,
        account_id=first.account_id,
        url=first.url,
        secrets=tuple(first.secrets),
        lease=first.lease + 1,
        failures=first.failures,
        failing_for=first.failing_for or timedelta(0),
        position=first.from_position,
        upto=_upto(first, found, entries, most),
        entries=entries,
        has_more=first.goes_on or len(entries) == most,
    )


def _readable(rows: Iterable[Any]) -> Iterator[ActivityFacts]:
    """Yield the entries before the first that this program cannot read: a newer program will deliver the rest."""
    for row in rows:
        try:
            yield ActivityFacts.from_row(row)
        except ValueError:
            return


def _upto(first: Any, found: Sequence[Any], entries: Sequence[ActivityFacts], most: int) -> int:
    if len(entries) < len(found):
        return entries[-1].position if entries else int(first.from_position)
    return entries[-1].position if len(entries) == most else int(first.upto)


def record_results(conn: Connection, results: Iterable[tuple[EndpointResult, Sequence[Attempted]]]) -> set[UUID]:
    """Record how far endpoints came and log the attempts; return the endpoints whose lease still counted."""
    given = list(results)
    logged = [
        {"id": new_id(), "endpoint_id": result.id, **asdict(attempt)}
        for result, attempts in given
        for attempt in attempts
    ]
    execute(conn, "log_webhook_attempts", given={"rows": as_json(logged)})
    rows = execute(conn, "record_webhook_results", given={"rows": as_json(result for result, _ in given)})
    if disabled := [row.id for row in rows if row.is_disabled_now]:
        execute(conn, "note_disabled_endpoints", given={"ids": disabled})
    return {row.id for row in rows}
