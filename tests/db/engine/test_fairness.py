"""Queued jobs are shared out among accounts: nobody waits behind another's thousands, or has more than allowed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from db.engine.claims import FairnessCursor, claim_due, next_due_in
from db.records.accounts import limit_account
from statemachine.vocabulary import State, Step
from tests.support.factories import World, make_job, make_world

MINUTE = timedelta(minutes=1)

_MANY = text(
    """
    WITH made AS (
        INSERT INTO jobs (id, account_id, kind, state, event, actor, due_at, deadline_at)
        SELECT gen_random_uuid(), :account, 'avatar', 'queued', 'requested', 'api',
               now() - interval '1 hour' + n * interval '1 millisecond', now() + interval '1 hour'
        FROM generate_series(1, :count) AS n
        RETURNING id
    )
    INSERT INTO job_requests (job_id, input_id, tier, on_failure) SELECT id, :selfie, 'paid', 'keep_parent' FROM made
    """
)


def queue_many(conn: Connection, world: World, count: int) -> None:
    conn.execute(_MANY, {"account": world.owner.account_id, "selfie": world.selfie_id, "count": count})


def served(conn: Connection, limit: int, cursor: FairnessCursor | None = None) -> list[UUID]:
    """Claim, and return the account of each job."""
    jobs = claim_due(conn, Step.SUBMIT, worker="w", limit=limit, lease_for=MINUTE, cursor=cursor)
    return [job.account_id for job in jobs]


@pytest.fixture
def worlds(engine: Engine) -> list[World]:
    with engine.begin() as conn:
        found = [make_world(conn) for _ in range(3)]
    return sorted(found, key=lambda world: world.owner.account_id)


def test_a_single_job_does_not_wait_behind_anothers_thousands(engine: Engine, worlds: list[World]) -> None:
    many, one, _ = worlds
    with engine.begin() as conn:
        queue_many(conn, many, 2_000)
        make_job(conn, one)
        assert Counter(served(conn, 10)) == {many.owner.account_id: 5, one.owner.account_id: 1}
        # Alone, it gets everything.
        assert Counter(served(conn, 10)) == {many.owner.account_id: 10}


def test_every_account_gets_its_turn_however_few_are_served_at_once(engine: Engine, worlds: list[World]) -> None:
    with engine.begin() as conn:
        for world in worlds:
            queue_many(conn, world, 3)
        cursor = FairnessCursor()
        turns = [account_id for _ in range(6) for account_id in served(conn, 1, cursor)]
    assert turns == [world.owner.account_id for world in worlds] * 2


def test_within_an_account_the_longest_due_goes_first(engine: Engine, worlds: list[World]) -> None:
    with engine.begin() as conn:
        late, early = make_job(conn, worlds[0]), make_job(conn, worlds[0], priority=5)
        jobs = claim_due(conn, Step.SUBMIT, worker="w", limit=1, lease_for=MINUTE)
        jobs += claim_due(conn, Step.SUBMIT, worker="w", limit=1, lease_for=MINUTE)
    assert [job.id for job in jobs] == [early, late]


def test_an_account_has_no_more_at_the_provider_than_it_may(engine: Engine, worlds: list[World]) -> None:
    limited, free, _ = worlds
    with engine.begin() as conn:
        name = conn.scalar(text("SELECT name FROM accounts WHERE id = :id"), {"id": limited.owner.account_id})
        assert limit_account(conn, name, 4)
        for state in (State.GENERATING, State.STORING, State.SUCCEEDED):
            make_job(conn, limited, state)
        queue_many(conn, limited, 50)
        queue_many(conn, free, 50)
        # One is at the provider; what is stored or done is not.
        assert Counter(served(conn, 20)) == {limited.owner.account_id: 3, free.owner.account_id: 10}
        # What is in hand counts as well; who has no room leaves its share to the others.
        assert Counter(served(conn, 20)) == {free.owner.account_id: 20}


def test_two_claimers_together_do_not_pass_the_limit(engine: Engine, worlds: list[World]) -> None:
    limited = worlds[0]
    with engine.begin() as conn:
        conn.execute(text("UPDATE accounts SET jobs_at_once = 4"))
        queue_many(conn, limited, 50)
    with engine.begin() as first, engine.begin() as second:
        assert len(served(first, 20)) == 4
        assert served(second, 20) == []
    with engine.begin() as third:
        assert served(third, 20) == []


@pytest.mark.parametrize("limit", [1, 2])
def test_accounts_without_room_take_nobodys_turn(engine: Engine, worlds: list[World], limit: int) -> None:
    """Full ones wait for what they have at the provider; whoever has room does not wait with them."""
    *full, free = worlds
    with engine.begin() as conn:
        for world in full:
            make_job(conn, world, State.GENERATING)
            queue_many(conn, world, 5)
        conn.execute(text("UPDATE accounts SET jobs_at_once = 1"))
        queue_many(conn, free, 5)
        conn.execute(text("UPDATE accounts SET jobs_at_once = NULL WHERE id = :id"), {"id": free.owner.account_id})
        assert served(conn, limit) == [free.owner.account_id] * limit


_NOT_DUE = text(
    """
    WITH waiting AS (
        INSERT INTO accounts (id, name)
        SELECT CAST('00000000-0000-7000-8000-' || lpad(n::text, 12, '0') AS uuid), 'in back-off ' || n
        FROM generate_series(1, 501) AS n
        RETURNING id
    )
    INSERT INTO jobs (id, account_id, kind, state, event, actor, due_at, deadline_at)
    SELECT gen_random_uuid(), id, 'avatar', 'queued', 'requested', 'api', now() + interval '5 minutes',
           now() + interval '1 hour'
    FROM waiting
    """
)


def test_a_claim_that_finds_nobody_goes_on_from_there_the_next_time(engine: Engine, worlds: list[World]) -> None:
    """It looks at so many accounts only, and those that are waiting for their time would keep it from all others."""
    with engine.begin() as conn:
        conn.execute(_NOT_DUE)
        queue_many(conn, worlds[0], 3)
        cursor = FairnessCursor()
        assert [served(conn, 10, cursor) for _ in range(2)] == [[], [worlds[0].owner.account_id] * 3]


def test_a_job_that_waits_for_its_time_tells_an_idle_worker_when(engine: Engine, worlds: list[World]) -> None:
    with engine.begin() as conn:
        for wait_s, world in zip((90, 60, 120), worlds, strict=True):
            job_id = make_job(conn, world)
            conn.execute(
                text("UPDATE jobs SET due_at = now() + :wait WHERE id = :id"),
                {"id": job_id, "wait": timedelta(seconds=wait_s)},
            )
        assert served(conn, 10) == []
        assert 50 < next_due_in(conn, Step.SUBMIT) <= 60


def test_what_is_looked_for_after_a_crash_goes_before_what_is_new(engine: Engine, worlds: list[World]) -> None:
    with engine.begin() as conn:
        queue_many(conn, worlds[0], 10)
        lost = make_job(conn, worlds[0], State.RECONCILING)
        jobs = claim_due(conn, Step.SUBMIT, worker="w", limit=2, lease_for=MINUTE)
    assert jobs[0].id == lost
    assert [job.state for job in jobs] == [State.RECONCILING, State.QUEUED]
