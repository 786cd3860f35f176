"""Jobs are claimed in equal shares: no account waits behind another's thousands, or exceeds its limit."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from db.engine.claims import FairnessCursor, claim_due, next_due_in
from db.engine.pausing import pause_step
from db.records.accounts import limit_account
from statemachine.steps import STEP_OF
from statemachine.vocabulary import Kind, State, Step
from tests.support.factories import World, claim, make_job, make_world

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
    INSERT INTO job_requests (job_id, input_id, tier, on_failure) SELECT id, :selfie, 'paid', 'keep' FROM made
    """
)


def queue_many(conn: Connection, world: World, count: int) -> None:
    conn.execute(_MANY, {"account": world.owner.account_id, "selfie": world.selfie_id, "count": count})


def claimed_accounts(conn: Connection, limit: int, cursor: FairnessCursor | None = None) -> list[UUID]:
    """Claim, and return the account of each job."""
    jobs = claim_due(conn, Step.SUBMIT, worker="w", limit=limit, lease_for=MINUTE, cursor=cursor)
    return [job.account_id for job in jobs]


@pytest.fixture
def worlds(engine: Engine) -> list[World]:
    with engine.begin() as conn:
        found = [make_world(conn) for _ in range(3)]
    return sorted(found, key=lambda world: world.owner.account_id)


def test_a_single_job_does_not_wait_behind_another_accounts_thousands(engine: Engine, worlds: list[World]) -> None:
    many, one, _ = worlds
    with engine.begin() as conn:
        queue_many(conn, many, 2_000)
        make_job(conn, one)
        assert Counter(claimed_accounts(conn, 10)) == {many.owner.account_id: 5, one.owner.account_id: 1}
        # Alone, it gets everything.
        assert Counter(claimed_accounts(conn, 10)) == {many.owner.account_id: 10}


def test_every_account_gets_its_share_however_small_each_claim_is(engine: Engine, worlds: list[World]) -> None:
    with engine.begin() as conn:
        for world in worlds:
            queue_many(conn, world, 3)
        cursor = FairnessCursor()
        claims = [account_id for _ in range(6) for account_id in claimed_accounts(conn, 1, cursor)]
    assert claims == [world.owner.account_id for world in worlds] * 2


def test_the_longest_due_job_of_an_account_is_claimed_first(engine: Engine, worlds: list[World]) -> None:
    with engine.begin() as conn:
        late, early = make_job(conn, worlds[0]), make_job(conn, worlds[0], priority=5)
        jobs = claim_due(conn, Step.SUBMIT, worker="w", limit=1, lease_for=MINUTE)
        jobs += claim_due(conn, Step.SUBMIT, worker="w", limit=1, lease_for=MINUTE)
    assert [job.id for job in jobs] == [early, late]


def test_an_account_never_exceeds_its_limit_at_the_provider(engine: Engine, worlds: list[World]) -> None:
    limited, free, _ = worlds
    with engine.begin() as conn:
        name = conn.scalar(text("SELECT name FROM accounts WHERE id = :id"), {"id": limited.owner.account_id})
        assert limit_account(conn, name, 4)
        for state in (State.GENERATING, State.STORING, State.SUCCEEDED):
            make_job(conn, limited, state)
        queue_many(conn, limited, 50)
        queue_many(conn, free, 50)
        # One of its jobs is at the provider; stored and finished jobs are not.
        assert Counter(claimed_accounts(conn, 20)) == {limited.owner.account_id: 3, free.owner.account_id: 10}
        # Claimed jobs count as well; an account at its limit leaves its share to the others.
        assert Counter(claimed_accounts(conn, 20)) == {free.owner.account_id: 20}


def test_two_concurrent_claims_do_not_exceed_the_limit(engine: Engine, worlds: list[World]) -> None:
    limited = worlds[0]
    with engine.begin() as conn:
        conn.execute(text("UPDATE accounts SET jobs_at_once = 4"))
        queue_many(conn, limited, 50)
    with engine.begin() as first, engine.begin() as second:
        assert len(claimed_accounts(first, 20)) == 4
        assert claimed_accounts(second, 20) == []
    with engine.begin() as third:
        assert claimed_accounts(third, 20) == []


@pytest.mark.parametrize("limit", [1, 2])
def test_accounts_at_their_limit_take_no_share_of_a_claim(engine: Engine, worlds: list[World], limit: int) -> None:
    """Accounts at their limit wait for the provider; an account below its limit does not wait with them."""
    *full, free = worlds
    with engine.begin() as conn:
        for world in full:
            make_job(conn, world, State.GENERATING)
            queue_many(conn, world, 5)
        conn.execute(text("UPDATE accounts SET jobs_at_once = 1"))
        queue_many(conn, free, 5)
        conn.execute(text("UPDATE accounts SET jobs_at_once = NULL WHERE id = :id"), {"id": free.owner.account_id})
        assert claimed_accounts(conn, limit) == [free.owner.account_id] * limit


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

# Copies of one job for accounts that come before all others, without triggers, because they have no history.
_BACKING_OFF = text(
    """
    WITH waiting AS (
        INSERT INTO accounts (id, name)
        SELECT CAST('00000000-0000-7000-8000-' || lpad(n::text, 12, '0') AS uuid), 'in back-off ' || n
        FROM generate_series(1, 501) AS n
        RETURNING id
    )
    INSERT INTO jobs (id, account_id, kind, state, step, is_terminal, event, actor, due_at, deadline_at)
    SELECT gen_random_uuid(), id, 'avatar', 'transcoding', 'transcode', false, 'stored', 'worker',
           now() + interval '5 minutes', now() + interval '1 hour'
    FROM waiting
    """
)


def test_a_claim_that_finds_nothing_continues_from_there_the_next_time(engine: Engine, worlds: list[World]) -> None:
    """A claim reads a limited number of accounts, so accounts in back-off could otherwise hide all the others."""
    with engine.begin() as conn:
        conn.execute(_NOT_DUE)
        queue_many(conn, worlds[0], 3)
        cursor = FairnessCursor()
        assert [claimed_accounts(conn, 10, cursor) for _ in range(2)] == [[], [worlds[0].owner.account_id] * 3]


def test_an_idle_worker_knows_when_the_next_job_is_due(engine: Engine, worlds: list[World]) -> None:
    with engine.begin() as conn:
        for wait_s, world in zip((90, 60, 120), worlds, strict=True):
            job_id = make_job(conn, world)
            conn.execute(
                text("UPDATE jobs SET due_at = now() + :wait WHERE id = :id"),
                {"id": job_id, "wait": timedelta(seconds=wait_s)},
            )
        assert claimed_accounts(conn, 10) == []
        assert 50 < next_due_in(conn, Step.SUBMIT) <= 60


def test_a_lost_submission_is_claimed_before_queued_jobs(engine: Engine, worlds: list[World]) -> None:
    with engine.begin() as conn:
        queue_many(conn, worlds[0], 10)
        lost = make_job(conn, worlds[0], State.RECONCILING)
        jobs = claim_due(conn, Step.SUBMIT, worker="w", limit=2, lease_for=MINUTE)
    assert jobs[0].id == lost
    assert [job.state for job in jobs] == [State.RECONCILING, State.QUEUED]


def claimed_of_lane(
    conn: Connection, limit: int, *, is_long: bool = False, cursor: FairnessCursor | None = None
) -> Counter[UUID]:
    """Claim pictures or animations that wait to be transcoded, and count the jobs of each account."""
    jobs = claim_due(conn, Step.TRANSCODE, worker="w", limit=limit, lease_for=MINUTE, is_long=is_long, cursor=cursor)
    return Counter(job.account_id for job in jobs)


@pytest.mark.parametrize("state", [State.STORING, State.TRANSCODING])
def test_what_follows_the_provider_is_shared_equally_as_well(engine: Engine, worlds: list[World], state: State) -> None:
    many, one, _ = worlds
    with engine.begin() as conn:
        for _ in range(20):
            make_job(conn, many, state)
        make_job(conn, one, state)
        jobs = claim_due(conn, STEP_OF[state], worker="w", limit=4, lease_for=MINUTE, is_long=False)
    assert Counter(job.account_id for job in jobs) == {many.owner.account_id: 2, one.owner.account_id: 1}


def test_pictures_and_animations_wait_in_lanes_of_their_own(engine: Engine, worlds: list[World]) -> None:
    films, pictures, _ = worlds
    with engine.begin() as conn:
        for _ in range(3):
            make_job(conn, films, State.TRANSCODING, kind=Kind.ANIMATION, duration_s=6)
        make_job(conn, pictures, State.TRANSCODING)
        assert claimed_of_lane(conn, 10) == {pictures.owner.account_id: 1}
        assert claimed_of_lane(conn, 10, is_long=True) == {films.owner.account_id: 3}
        assert claimed_of_lane(conn, 10) == claimed_of_lane(conn, 10, is_long=True) == {}


def test_the_accounts_of_a_lane_take_turns_however_small_each_claim_is(engine: Engine, worlds: list[World]) -> None:
    with engine.begin() as conn:
        for world in worlds:
            for _ in range(2):
                make_job(conn, world, State.TRANSCODING)
        cursor = FairnessCursor()
        turns = [next(iter(claimed_of_lane(conn, 1, cursor=cursor))) for _ in range(6)]
    assert turns == [world.owner.account_id for world in worlds] * 2


def test_accounts_whose_jobs_back_off_do_not_hide_those_after_them(engine: Engine, worlds: list[World]) -> None:
    """A claim reads a limited number of accounts: the next one goes on where it ended."""
    with engine.begin() as conn:
        make_job(conn, worlds[0], State.TRANSCODING)
        conn.execute(text("SET LOCAL session_replication_role = replica"))
        conn.execute(_BACKING_OFF)
        cursor = FairnessCursor()
        assert [claimed_of_lane(conn, 10, cursor=cursor) for _ in range(2)] == [{}, {worlds[0].owner.account_id: 1}]


def test_no_more_is_begun_for_an_account_whose_outputs_wait_too_long(engine: Engine, worlds: list[World]) -> None:
    behind, other, _ = worlds
    with engine.begin() as conn:
        queue_many(conn, behind, 3)
        queue_many(conn, other, 3)
        waiting = make_job(conn, behind, State.TRANSCODING, kind=Kind.ANIMATION, duration_s=6)
        for minutes, shares in ((9, {behind.owner.account_id: 1, other.owner.account_id: 1}), (11, {})):
            due = {"due_at": timedelta(minutes=minutes), "id": waiting}
            conn.execute(text("UPDATE jobs SET due_at = now() - :due_at WHERE id = :id"), due)
            assert Counter(claimed_accounts(conn, 2)) == (shares or {other.owner.account_id: 2})
        claim(conn, waiting)
        assert behind.owner.account_id in claimed_accounts(conn, 2), "it is being worked on"


def test_a_paused_step_claims_nothing_in_its_lanes(engine: Engine, worlds: list[World]) -> None:
    with engine.begin() as conn:
        make_job(conn, worlds[0], State.TRANSCODING)
        pause_step(conn, Step.TRANSCODE, by="support:test", reason="a test")
        assert claimed_of_lane(conn, 10) == {}
