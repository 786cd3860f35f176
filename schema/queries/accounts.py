"""Queries for accounts, the sessions of their end users, and what support changed."""

from __future__ import annotations

from typing import Annotated

import strawberry

from db.records.accounts import AccountFilter as Wanted
from db.records.accounts import account_page, session_page
from db.records.audit import AuditFilter as WantedEntries
from db.records.audit import audit_page
from schema import arguments
from schema.context import Info
from schema.cursors import id_cursor, read_id_cursor
from schema.fields import paged_field
from schema.narrowing import narrowed
from schema.paging import Connection, PageRequest
from schema.queries.support import check_support
from schema.types.account import Account, AccountFilter
from schema.types.audit import AuditEntry, AuditFilter
from schema.types.session import Session, SessionFilter


@strawberry.type
class AccountQueries:
    @paged_field("For support: the accounts, newest first. Give `first` or `last`, from 1 to 100.")
    async def accounts(
        self,
        info: Info,
        page: PageRequest,
        filter: Annotated[AccountFilter | None, arguments.FILTER] = None,
    ) -> Connection[Account]:
        check_support(info)
        wanted = filter.wanted() if filter else Wanted()
        found = await info.context.database.read(account_page, wanted, page.window(read_id_cursor))
        return Connection.of(found, Account.of, lambda account: id_cursor(account.id))

    @paged_field(
        "The sessions of your end users, newest first, also those that have ended; a session sees its user's. Give "
        "`first` or `last`, from 1 to 100."
    )
    async def sessions(
        self,
        info: Info,
        page: PageRequest,
        filter: Annotated[SessionFilter | None, arguments.FILTER] = None,
    ) -> Connection[Session]:
        scope = narrowed(info.context.principal, filter)
        user_ref = filter.user_ref if filter else None
        found = await info.context.database.read(session_page, scope, user_ref, page.window(read_id_cursor))
        return Connection.of(found, Session.of, lambda session: id_cursor(session.id))

    @paged_field("For support: what support changed and why, newest first. Give `first` or `last`, from 1 to 100.")
    async def audit_entries(
        self,
        info: Info,
        page: PageRequest,
        filter: Annotated[AuditFilter | None, arguments.FILTER] = None,
    ) -> Connection[AuditEntry]:
        check_support(info)
        narrowed(info.context.principal, filter)
        wanted = filter.wanted() if filter else WantedEntries()
        found = await info.context.database.read(audit_page, wanted, page.window(read_id_cursor))
        return Connection.of(found, AuditEntry.of, lambda entry: id_cursor(entry.id))
