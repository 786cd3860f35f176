"""The ledger: Postgres itself prevents credits from being created, lost, overdrawn or returned twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from db.engine.commands import cancel
from db.ids import new_id
from db.records.ledger import (
    Balance,
    JobCredits,
    WalletKey,
    balance_of,
    credits_of_jobs,
    hold_credits,
    ledger_discrepancies,
    post_entry,
    settle_credits,
)
from db.records.requests import JobRequest, insert_job
from jobs.errors import InsufficientCredits
from jobs.requesting.credits import hold_from
from statemachine.vocabulary import Kind, OnFailure, State
from tests.support.factories import World, make_job, make_world
from tests.support.invariants import assert_credits_add_up

START = 10_000


@pytest.fixture
def world(engine: Engine) -> World:
    with engine.begin() as conn:
        return make_world(conn)


def wallet(world: World) -> WalletKey:
    return WalletKey(world.owner.account_id)


def refused(conn: Connection, change: Callable[[], object]) -> str | None:
    """Return the name of the constraint that refuses a change."""
    attempt = conn.begin_nested()
    with pytest.raises(DBAPIError) as error:
        change()
    attempt.rollback()
    assert isinstance(error.value.orig, psycopg.Error)
    return error.value.orig.diag.constraint_name


@pytest.mark.parametrize(
    ("state", "balance", "credits"),
    [
        (State.WAITING, Balance(START - 5, 5), JobCredits(5)),
        (State.GENERATING, Balance(START - 5, 5), JobCredits(5)),
        (State.COMPENSATING, Balance(START - 5, 5), JobCredits(5)),
        (State.SUCCEEDED, Balance(START - 5, 0), JobCredits(0, charged=5)),
        (State.FAILED, Balance(START, 0), JobCredits(0)),
        (State.CANCELED, Balance(START, 0), JobCredits(0)),
    ],
)
def test_a_job_holds_its_price_until_it_ends_and_pays_only_for_success(
    engine: Engine, world: World, state: State, balance: Balance, credits: JobCredits
) -> None:
    with engine.begin() as conn:
        job_id = make_job(conn, world, state, credits=5)
        assert balance_of(conn, wallet(world)) == balance
        assert credits_of_jobs(conn, [job_id]) == {job_id: credits}
    assert_credits_add_up(engine)


def test_nothing_can_be_settled_twice(engine: Engine, world: World) -> None:
    with engine.begin() as conn:
        charged, released = make_job(conn, world, State.SUCCEEDED, credits=5), make_job(conn, world, credits=7)
        before = balance_of(conn, wallet(world))
        settle_credits(conn, succeeded=[charged], ended=[])
        assert balance_of(conn, wallet(world)) == before
        for _ in range(2):
            settle_credits(conn, succeeded=[], ended=[charged, released])
            assert balance_of(conn, wallet(world)) == Balance(START, 0)


_RAW = text(
    """
    INSERT INTO ledger_entries
        (account_id, user_ref, kind, job_id, cycle, amount, debit_bucket, credit_bucket, of_id, actor)
    SELECT account_id, user_ref, :kind, job_id, cycle, amount + :more, :debit, 'available', id, 'psql'
    FROM ledger_entries WHERE job_id = :job AND kind = :of
    """
)


def raw(conn: Connection, job: UUID, kind: str, of: str, debit: str, more: int = 0) -> Callable[[], object]:
    given = {"job": job, "kind": kind, "of": of, "debit": debit, "more": more}
    return lambda: conn.execute(_RAW, given)


def test_raw_sql_cannot_return_credits_twice_or_more_than_were_held(engine: Engine, world: World) -> None:
    with engine.connect() as conn:
        held, charged = make_job(conn, world, credits=5), make_job(conn, world, State.SUCCEEDED, credits=5)
        # The hold was charged: it cannot be released as well.
        assert refused(conn, raw(conn, charged, "release", "hold", "held")) == "ledger_entries_moved_on_once"
        # A hold was never spent: it cannot be refunded.
        assert refused(conn, raw(conn, held, "refund", "hold", "spent")) == "ledger_entries_of"
        assert refused(conn, raw(conn, held, "release", "hold", "held", more=1)) in (
            "ledger_entries_of",
            "wallets_held_not_negative",
        )
        raw(conn, charged, "refund", "charge", "spent")()
        assert refused(conn, raw(conn, charged, "refund", "charge", "spent")) == "ledger_entries_moved_on_once"
        assert refused(conn, lambda: hold_credits(conn, [held], actor="psql")) == "ledger_entries_one_hold"


def test_a_wallet_cannot_be_overdrawn(engine: Engine, world: World) -> None:
    with engine.connect() as conn:
        take = lambda: post_entry(conn, wallet(world), "adjust", -START - 1, actor="psql", reason="too much")  # noqa: E731
        assert refused(conn, take) == "wallets_not_overdrawn"
        job_id = new_id()
        request = JobRequest(Kind.AVATAR, "paid", 0, OnFailure.KEEP, world.selfie_id, credits=START + 1)
        insert_job(conn, world.owner, job_id, request, deadline=timedelta(hours=1))
        assert refused(conn, lambda: hold_credits(conn, [job_id], actor="psql")) == "wallets_not_overdrawn"


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE ledger_entries SET amount = amount + 1", "ledger_entries_append_only"),
        ("DELETE FROM ledger_entries", "ledger_entries_append_only"),
        ("TRUNCATE ledger_entries", "ledger_entries_append_only"),
        ("UPDATE wallets SET issued = issued + 1, available = available + 1", "wallets_follow_ledger"),
        ("DELETE FROM wallets", "wallets_follow_ledger"),
        (
            "INSERT INTO ledger_entries (account_id, user_ref, kind, amount, debit_bucket, credit_bucket, actor) "
            "SELECT account_id, '', 'grant', 5, 'held', 'available', 'psql' FROM wallets",
            "ledger_entries_kind_known",
        ),
        (
            "INSERT INTO ledger_entries (account_id, user_ref, kind, amount, debit_bucket, credit_bucket, actor) "
            "SELECT account_id, '', 'grant', -5, 'issued', 'available', 'psql' FROM wallets",
            "ledger_entries_amount_positive",
        ),
    ],
)
def test_the_ledger_can_only_grow_and_the_wallets_only_follow(
    engine: Engine, world: World, statement: str, constraint: str
) -> None:
    with engine.connect() as conn:
        assert refused(conn, lambda: conn.execute(text(statement))) == constraint


def test_concurrent_requests_never_hold_more_credits_than_available(engine: Engine, world: World) -> None:
    """Make twenty concurrent requests for 1,000 credits each, with credits for ten."""

    def request_job(_: int) -> bool:
        with engine.begin() as conn:
            job_id = new_id()
            request = JobRequest(Kind.AVATAR, "paid", 0, OnFailure.KEEP, world.selfie_id, credits=1_000)
            insert_job(conn, world.owner, job_id, request, deadline=timedelta(hours=1))
            try:
                hold_from(conn, wallet(world), {job_id: 1_000}, actor="test", tier="paid")
            except InsufficientCredits:
                conn.rollback()
                return False
            return True

    with ThreadPoolExecutor(10) as pool:
        accepted = list(pool.map(request_job, range(20)))
    assert sum(accepted) == 10
    with engine.connect() as conn:
        assert balance_of(conn, wallet(world)) == Balance(0, START)
    assert_credits_add_up(engine)


def test_the_reconciliation_names_every_discrepancy(engine: Engine, world: World) -> None:
    with engine.connect() as conn:
        unheld, ended = make_job(conn, world), make_job(conn, world, credits=5)
        conn.execute(text("UPDATE jobs SET credits = 5 WHERE id = :id"), {"id": unheld})
        cancel(conn, ended, "api")
        conn.execute(
            text(
                "UPDATE jobs SET state = 'canceled', event = 'undone', seq = seq + 1, due_at = NULL, "
                "finished_at = now(), lease_expires_at = NULL, claimed_by = NULL WHERE id = :id"
            ),
            {"id": ended},
        )
        conn.execute(text("ALTER TABLE wallets DISABLE TRIGGER USER"))
        conn.execute(text("UPDATE wallets SET issued = issued + 1, available = available + 1"))
        found = {(each.what, each.id): each.why for each in ledger_discrepancies(conn)}
    assert found == {
        ("job", unheld): "was accepted without its hold",
        ("job", ended): "has ended and still holds credits",
        ("wallet", world.owner.account_id): "differs from the sum of its entries",
    }
