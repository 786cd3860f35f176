"""The lease of a long step is renewed while the step runs, and its loss is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from db.engine.claims import Claim, still_leased
from db.engine.commands import cancel
from jobs.engine.leases import LeaseLost, Renewer
from statemachine.vocabulary import State
from tests.support.cuts import cut_connection
from tests.support.eventually import eventually, scaled
from tests.support.factories import World, claim, claimed, make_job

SHORT = timedelta(seconds=0.3)


@pytest.fixture
def renewer(engine: Engine) -> Iterator[Renewer]:
    made = Renewer(engine)
    yield made
    made.close()


@pytest.fixture
def leased(engine: Engine, world: World) -> Claim:
    with engine.begin() as conn:
        return claim(conn, make_job(conn, world, State.TRANSCODING), lasts=SHORT)


def ends_at(engine: Engine) -> datetime | None:
    with engine.connect() as conn:
        found: datetime | None = conn.scalar(text("SELECT lease_expires_at FROM jobs"))
        return found


def test_a_lease_is_renewed_while_the_step_runs(engine: Engine, leased: Claim, renewer: Renewer) -> None:
    first = ends_at(engine)
    assert first is not None
    with renewer.keeping(leased, SHORT) as keeping:
        eventually(lambda: (ends_at(engine) or first) > first + SHORT)
        keeping.check()


def test_a_short_lease_is_renewed_in_time_beside_a_long_one(
    engine: Engine, world: World, leased: Claim, renewer: Renewer
) -> None:
    with engine.begin() as conn:
        other = claim(conn, make_job(conn, world, State.TRANSCODING), lasts=timedelta(hours=1))
    query = text("SELECT lease_expires_at FROM jobs WHERE id = :id")
    with (
        renewer.keeping(other, timedelta(hours=1)),
        renewer.keeping(leased, SHORT),
        engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn,
    ):
        first = conn.scalar(query, {"id": leased.job_id})
        eventually(lambda: conn.scalar(query, {"id": leased.job_id}) > first + SHORT)


def test_a_lease_lost_to_another_worker_is_noticed(engine: Engine, leased: Claim, renewer: Renewer) -> None:
    with renewer.keeping(leased, SHORT) as keeping:
        with engine.begin() as conn:
            claimed(conn, leased.job_id)
        assert keeping.lost.wait(scaled(10))
        with pytest.raises(LeaseLost, match=str(leased.job_id)):
            keeping.check()


def test_a_cancel_is_noticed_as_a_lost_lease(engine: Engine, leased: Claim, renewer: Renewer) -> None:
    with renewer.keeping(leased, SHORT) as keeping:
        with engine.begin() as conn:
            assert cancel(conn, leased.job_id, "api")
        assert keeping.lost.wait(scaled(10))


def test_a_cut_connection_does_not_end_the_renewal(engine: Engine, leased: Claim, renewer: Renewer) -> None:
    first = ends_at(engine)
    assert first is not None
    with renewer.keeping(leased, SHORT) as keeping:
        with engine.connect() as conn:
            cut_connection(conn.connection.driver_connection)
            conn.invalidate()
        eventually(lambda: (ends_at(engine) or first) > first + SHORT)
        assert not keeping.lost.is_set()


def test_a_lease_is_not_renewed_beyond_the_deadline(engine: Engine, leased: Claim, renewer: Renewer) -> None:
    """Otherwise an endlessly slow download would keep its job forever: a running step does not check its deadline."""
    first = ends_at(engine)
    assert first is not None
    with renewer.keeping(leased, SHORT, first - SHORT) as keeping:
        assert keeping.lost.wait(scaled(10))
        with pytest.raises(LeaseLost):
            keeping.check()
    assert ends_at(engine) == first


def test_a_cancel_shows_long_before_the_lease_must_be_renewed(
    engine: Engine, world: World, leased: Claim, renewer: Renewer
) -> None:
    hour = timedelta(hours=1)
    with engine.begin() as conn:
        other = claim(conn, make_job(conn, world, State.TRANSCODING), lasts=hour)
    with renewer.keeping(leased, hour) as canceled, renewer.keeping(other, hour) as going_on:
        with engine.begin() as conn:
            assert cancel(conn, leased.job_id, "api")
        assert eventually(canceled.lost.is_set, within_s=10)
        with pytest.raises(LeaseLost):
            canceled.check()
        going_on.check()


def test_a_cancel_that_is_being_executed_is_no_reason_to_stop(engine: Engine, world: World) -> None:
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.COMPENSATING)
        conn.execute(text("UPDATE jobs SET cancel_requested_at = now() WHERE id = :id"), {"id": job_id})
        compensating = claim(conn, job_id, lasts=timedelta(hours=1))
        assert still_leased(conn, [compensating]) == {compensating}
        assert still_leased(conn, [replace(compensating, lease=compensating.lease + 1)]) == set()


def test_a_lease_is_no_longer_renewed_after_its_step(engine: Engine, leased: Claim, renewer: Renewer) -> None:
    with renewer.keeping(leased, SHORT):
        assert not renewer.is_idle
    assert renewer.is_idle
