"""Queries for credits."""

from __future__ import annotations

from typing import Annotated

import strawberry

from db.records.ledger import EntryFilter, entry_page
from schema import arguments
from schema.context import Info
from schema.cursors import entry_cursor, read_entry_cursor
from schema.fields import paged_field
from schema.narrowing import narrowed
from schema.paging import Connection, PageRequest
from schema.types.credits import CreditEntry, CreditEntryFilter


@strawberry.type
class CreditQueries:
    @paged_field("Your ledger entries, newest first; a session sees its user's. Give `first` or `last`, from 1 to 100.")
    async def credit_entries(
        self,
        info: Info,
        page: PageRequest,
        filter: Annotated[CreditEntryFilter | None, arguments.FILTER] = None,
    ) -> Connection[CreditEntry]:
        wanted = filter.wanted() if filter else EntryFilter()
        reader = info.context.principal
        scope = narrowed(reader, filter)
        found = await info.context.database.read(entry_page, scope, wanted, page.window(read_entry_cursor))
        return Connection.of(
            found, lambda entry: CreditEntry.of(entry, reader=reader), lambda entry: entry_cursor(entry.id)
        )
