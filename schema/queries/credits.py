"""Reading credits."""

from __future__ import annotations

import strawberry

from db.records.ledger import EntryFilter, entry_page
from schema.context import Info
from schema.cursors import entry_cursor, read_entry_cursor
from schema.fields import field
from schema.paging import Connection, window
from schema.types.credits import CreditEntry, CreditEntryFilter


@strawberry.type
class CreditQueries:
    @field("Your ledger, newest entries first; a session sees its user's. Give `first` or `last`, from 1 to 100.")
    async def credit_entries(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: CreditEntryFilter | None = None,
    ) -> Connection[CreditEntry]:
        wanted = filter.wanted() if filter else EntryFilter()
        place = window(read_entry_cursor, first=first, after=after, last=last, before=before)
        page = await info.context.database.read(entry_page, info.context.scope, wanted, place)
        reader = info.context.principal
        return Connection.of(
            page, lambda entry: CreditEntry.of(entry, reader=reader), lambda entry: entry_cursor(entry.id)
        )
