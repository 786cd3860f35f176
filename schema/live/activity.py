"""Following the activity of an account: first the table from a position on, then each new entry.

A reader keeps only a position. It reads on once the client has taken the entries that it read, so a slow client costs
no memory and loses nothing, however far it falls behind.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from uuid import UUID

from db.records.activity import ActivityEntry, ActivityFilter, ActivityPurged, Stretch, head, read_stretch
from jobs.identity import Principal
from schema.context import Parts
from schema.cursors import read_activity_cursor
from schema.errors import BAD_USER_INPUT, ApiError
from schema.narrowing import narrowed
from schema.types.activity import ActivityFilter as Given

_READ_MAX = 500


@dataclass(frozen=True, slots=True)
class Subject:
    """The account that a reader reads, and which of its entries."""

    account_id: UUID
    wanted: ActivityFilter

    @classmethod
    def of(cls, reader: Principal, given: Given | None) -> Subject:
        """Return what a caller asks for; raise ApiError for what it may not read, and if support names no account."""
        scope = narrowed(reader, given)
        if scope.account_id is None:
            raise ApiError(BAD_USER_INPUT, "Give filter.account: each account has its own sequence.")
        wanted = given.wanted() if given else ActivityFilter()
        if scope.user_ref is not None:
            # A session that filters by another user sees nothing, as in lists.
            wanted = replace(wanted, within_user=scope.user_ref)
        return cls(scope.account_id, wanted)

    def position(self, cursor: str | None) -> int | None:
        """Return the position of a cursor; raise MalformedCursor for one of another account."""
        return None if cursor is None else read_activity_cursor(cursor, self.account_id)


async def read_on(parts: Parts, subject: Subject, after: int | None, limit: int) -> Stretch:
    """Return the next entries; raise ApiError for a position outside what is kept."""
    try:
        found = await parts.database.read(read_stretch, subject.account_id, after, limit, wanted=subject.wanted)
    except ActivityPurged:
        message = "The activity after this cursor is no longer kept: read without a cursor, from the oldest that is."
        raise ApiError(BAD_USER_INPUT, message) from None
    if after is not None and after > found.head:
        raise ApiError(
            BAD_USER_INPUT, "This cursor points beyond the activity: pass cursors exactly as you received them."
        )
    return found


async def follow_activity(parts: Parts, subject: Subject, after: int | None) -> AsyncGenerator[ActivityEntry, None]:
    """Yield every wanted entry after a position, or from now on, once and in order. Ends only by an error."""
    if after is None:
        after = (await parts.database.read(head, subject.account_id)).position
    with parts.hub.accounts.of(subject.account_id) as wake:
        while True:
            found = await read_on(parts, subject, after, _READ_MAX)
            for entry in found.entries:
                yield entry
            after = found.upto
            # Without waiting too, when the server stops: a reader that is far behind would delay that.
            await wake.wait(0.0 if found.has_more else parts.settings.poll_every.total_seconds())
