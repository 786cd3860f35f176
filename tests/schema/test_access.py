"""Postgres itself refuses what is not a caller's, when the code does not ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from db.connection import DatabaseSettings, connect_async
from jobs.identity import Principal
from schema.database import Database
from schema.ids import IdKind, decode_id
from statemachine.vocabulary import Role
from tests.schema.documents import make_avatar
from tests.support.databases import unique_name
from tests.support.partners import Partner, add_attempt, partner
from tests.support.serving import Server

T = TypeVar("T")

# Tables whose rows belong to an account, as policies say by their own column or by that of the row they belong to.
_OF_ACCOUNTS = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relrowsecurity
"""
_WITH_ACCOUNT = """
SELECT relname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE attname = 'account_id' AND relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
"""
_READABLE = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND has_table_privilege(:role, oid, :privilege)
"""
# What an account may read beside its rows: how the service as a whole stands, and the rules.
_SHARED = {
    "activity_sequencer",
    "credit_statistics_reader",
    "job_error_codes",
    "job_states",
    "job_transitions",
    "paused_steps",
    "provider_breaker",
    "provider_budgets",
    "statistics_reader",
    "watcher_status",
}


def acting(server: Server, caller: Principal, function: Callable[[Connection], T], *, writes: bool = False) -> T:
    """Run a function over a connection of the API as a caller, without any scope of the code."""

    async def run() -> T:
        url = server.engine.url.render_as_string(hide_password=False)
        engine = connect_async(DatabaseSettings(url, pool_size=1), name="access")
        try:
            database = Database(engine)
            await database.find_roles()
            theirs = database.acting_for(caller)
            return await (theirs.write if writes else theirs.read)(function)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def all_of(table: str) -> Callable[[Connection], set[str]]:
    """Return a read of the accounts of everything in a table."""
    return lambda conn: set(conn.scalars(text(f"SELECT DISTINCT account_id::text FROM {table}")))


def jobs_in(table: str) -> Callable[[Connection], set[str]]:
    return lambda conn: set(conn.scalars(text(f"SELECT job_id::text FROM {table}")))


def counted(table: str) -> Callable[[Connection], int]:
    return lambda conn: conn.scalar(text(f"SELECT count(*) FROM {table}")) or 0


def test_a_partner_and_its_users_see_no_row_of_another_account(server: Server, acme: Partner, rival: Partner) -> None:
    made = [make_avatar(each, each.asset()) for each in (acme, rival)]
    for job_id in made:
        add_attempt(server.engine, job_id)
    mine = {str(acme.principal.account_id)}
    ada = Partner(server, acme.user().secret, acme.account).principal
    for caller in (acme.principal, ada):
        for table in (
            "jobs",
            "job_requests",
            "assets",
            "ledger_entries",
            "wallets",
            "activity",
            "api_keys",
            "sessions",
        ):
            assert acting(server, caller, all_of(table)) <= mine, table
        assert acting(server, caller, counted("accounts")) == 1
        for table in ("job_events", "attempts"):
            assert acting(server, caller, jobs_in(table)) == {str(decode_id(made[0], IdKind.JOB))}
        for table in ("audit_entries", "redrives", "stream_tickets"):
            with pytest.raises(ProgrammingError, match="permission denied"):
                acting(server, caller, counted(table))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT])
def test_support_reads_every_account_but_no_secret(server: Server, acme: Partner, rival: Partner, role: Role) -> None:
    caller = partner(server, unique_name(role), role=role).principal
    both = {str(each.principal.account_id) for each in (acme, rival)}
    make_avatar(acme, acme.asset())
    make_avatar(rival, rival.asset())
    assert acting(server, caller, all_of("jobs")) >= both
    for table in ("webhook_secrets", "stream_tickets"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            acting(server, caller, counted(table))


def test_a_viewer_can_write_nothing(server: Server) -> None:
    caller = partner(server, unique_name("viewer"), role=Role.VIEWER).principal
    with server.engine.connect() as conn:
        for privilege in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
            assert set(conn.scalars(text(_READABLE), {"role": "diorama_viewer", "privilege": privilege})) == set()
    with pytest.raises(ProgrammingError, match="permission denied"):
        acting(server, caller, lambda conn: conn.execute(text("UPDATE jobs SET priority = 0")), writes=True)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO suspensions (account_id, user_ref, suspended_by, reason) VALUES (:account, '', 'support:mo', 'r')",
        "UPDATE api_keys SET role = 'admin' WHERE account_id = :account",
        "UPDATE accounts SET jobs_at_once = 1 WHERE id = :account",
        "UPDATE assets SET state = 'deleted' WHERE account_id = :account",
        "DELETE FROM sessions WHERE account_id = :account",
        "INSERT INTO paused_steps (step, paused_by) SELECT 'submit', CAST(:account AS text)",
        "UPDATE audit_entries SET reason = 'another' WHERE account_id = :account",
        "DELETE FROM jobs WHERE account_id = :account",
    ],
)
def test_an_agent_can_write_only_what_agents_do(server: Server, acme: Partner, statement: str) -> None:
    caller = partner(server, unique_name("agent"), role=Role.AGENT).principal
    given = {"account": acme.principal.account_id}
    with pytest.raises(ProgrammingError, match=r"permission denied|row-level security"):
        acting(server, caller, lambda conn: conn.execute(text(statement), given), writes=True)


def test_no_table_is_left_out(engine: Engine) -> None:
    with engine.connect() as conn:
        protected = set(conn.scalars(text(_OF_ACCOUNTS)))
        readable = set(conn.scalars(text(_READABLE), {"role": "diorama_account", "privilege": "SELECT"}))
        owned = set(conn.scalars(text(_WITH_ACCOUNT)))
        for privilege in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
            assert not set(conn.scalars(text(_READABLE), {"role": "diorama_account", "privilege": privilege}))
    assert readable == protected | _SHARED
    # Only support reads the others.
    assert owned - protected == {"audit_entries", "redrives"}


def test_a_connection_keeps_no_access_of_its_last_user(server: Server, acme: Partner) -> None:
    async def run() -> list[tuple[str, str]]:
        url = server.engine.url.render_as_string(hide_password=False)
        engine = connect_async(DatabaseSettings(url, pool_size=1), name="access")
        database = Database(engine)
        await database.find_roles()
        who = text("SELECT current_user, current_setting('diorama.account')")
        found = []
        for each in (database.acting_for(acme.principal), database, database.acting_for(acme.principal)):
            found.append(tuple(await each.read(lambda conn: conn.execute(who).one())))
            found.append(tuple(await each.write(lambda conn: conn.execute(who).one())))
        await engine.dispose()
        return found

    mine, owner = ("diorama_account", str(acme.principal.account_id)), (server.engine.url.username, "")
    assert asyncio.run(run()) == [mine, owner, owner, owner, mine, owner]
