"""The activity of an account as a stream. It never closes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from uuid import UUID

from db.records.activity import ActivityPurged, Stretch, head, read_stretch
from db.records.events import events_of_keys
from jobs.identity import Principal
from schema.context import Parts
from schema.live.activity import Subject
from schema.streams.messages import entry_message
from schema.streams.offsets import MalformedOffset, OffsetPurged, position_offset, read_position
from schema.streams.stream import BATCH_MAX, Batch

# Readers come back within a minute, so this is only the net under a lost hint.
_READ_AGAIN_AFTER_S = 20.0


@dataclass(frozen=True, slots=True)
class ActivityStream:
    """The part of an account's activity that a reader may see."""

    parts: Parts
    reader: Principal
    subject: Subject

    async def tail(self) -> Batch:
        """Return the end of the activity as it is now."""
        at = await self.parts.database.read(head, self.subject.account_id)
        return Batch([], position_offset(at.position), up_to_date=True)

    async def read(self, offset: str) -> Batch:
        """Return the entries after an offset."""
        found = await self._stretch(read_position(offset))
        keys = [(each.job_id, each.seq) for each in found.entries if each.job_id and each.seq]
        events = await self.parts.database.read(events_of_keys, keys) if keys else {}
        messages = [entry_message(each, self._account_id, events, self.reader) for each in found.entries]
        return Batch(messages, position_offset(found.upto), up_to_date=not found.has_more)

    async def follow(self, offset: str) -> AsyncGenerator[Batch, None]:
        """Yield the entries after an offset as they come: from the table, so a slow reader costs no memory."""
        with self.parts.hub.accounts.of(self._account_id) as wake:
            while True:
                batch = await self.read(offset)
                yield batch
                offset = batch.next_offset
                # Without waiting too, when the server stops: a reader that is far behind would delay that.
                await wake.wait(_READ_AGAIN_AFTER_S if batch.up_to_date else 0.0)

    async def _stretch(self, after: int | None) -> Stretch:
        reading = self.parts.database.read(read_stretch, self._account_id, after, BATCH_MAX, wanted=self.subject.wanted)
        try:
            found = await reading
        except ActivityPurged:
            raise OffsetPurged from None
        if after is not None and after > found.head:
            raise MalformedOffset
        return found

    @property
    def _account_id(self) -> UUID:
        return self.subject.account_id
