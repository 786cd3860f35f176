"""The results of experiments are counted from the attempts that took part, regardless of the fate of their jobs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from db.engine.recording import record
from db.engine.row_changes import AttemptBegun
from db.records.experiments import VariantResult, variant_results
from db.tables import attempts
from statemachine import outcomes as o
from statemachine.vocabulary import State
from tests.support.factories import REFUSED, World, begin_of, claimed, make_job, make_world, move_of

PAST = datetime(2026, 11, 1, tzinfo=UTC)


def took_part(conn: Connection, world: World, state: State, variant: str, **columns: Any) -> UUID:
    """Add a job in a state whose only attempt used a variant."""
    job_id = make_job(conn, world, state)
    given = {"experiment": "try", "variant": variant, **columns}
    conn.execute(attempts.update().where(attempts.c.job_id == job_id).values(**given))
    return job_id


def ended(conn: Connection, world: World, variant: str, status: str, seconds: float, cost: int) -> UUID:
    end = PAST + timedelta(seconds=seconds)
    times = {"started_at": PAST, "accepted_at": PAST, "completed_at": end}
    return took_part(conn, world, State.GENERATING, variant, status=status, cost_micros=cost, **times)


def test_the_result_of_a_variant_is_its_rates_cost_and_time(engine: Engine) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
        for seconds in (10, 20, 60):
            ended(conn, world, "a", "succeeded", seconds, 100)
        ended(conn, world, "a", "failed", 5, 0)
        ended(conn, world, "b", "succeeded", 7, 50)
        ended(conn, world, "b", "canceled", 7, 30)
        make_job(conn, world, State.GENERATING)
        assert variant_results(conn) == [
            VariantResult("try", "a", 4, 4, 4, 3, 0, 300, 20.0),
            VariantResult("try", "b", 2, 2, 1, 1, 0, 80, 7.0),
        ]
        a, b = variant_results(conn)
    assert (a.success_rate, a.rejection_rate) == (0.75, 0.0)
    assert b.success_rate == 1.0


def test_declined_content_is_counted_apart_from_other_failures(engine: Engine) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
        for _ in range(2):
            job_id = took_part(conn, world, State.GENERATING, "a", status="failed")
            record(conn, [move_of(claimed(conn, job_id), o.GenerationFailed(REFUSED))])
        took_part(conn, world, State.FAILED, "a", status="failed")
        (result,) = variant_results(conn)
    assert (result.ended, result.succeeded, result.declined) == (3, 0, 2)
    assert result.median_s is None


def test_attempts_without_a_verdict_of_the_model_do_not_count_as_ended(engine: Engine) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
        for status in ("submitting", "running", "refused", "lost", "absent", "canceled"):
            took_part(conn, world, State.GENERATING, "a", status=status)
        (result,) = variant_results(conn)
    assert (result.attempts, result.ended, result.success_rate) == (6, 0, None)


def test_results_can_be_limited_to_a_period(engine: Engine) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
        ended(conn, world, "a", "succeeded", 10, 100)
        assert len(variant_results(conn, PAST)) == 1
        assert variant_results(conn, PAST + timedelta(seconds=1)) == []


def test_the_variant_is_written_with_the_attempt_before_any_call(engine: Engine) -> None:
    with engine.begin() as conn:
        job = claimed(conn, make_job(conn, make_world(conn)))
        begun = begin_of(job)
        attempt = begun.row_changes[0]
        assert isinstance(attempt, AttemptBegun)
        record(conn, [replace(begun, row_changes=(replace(attempt, experiment="try", variant="b"),))])
        row = conn.execute(text("SELECT experiment, variant FROM attempts")).one()
    assert tuple(row) == ("try", "b")


def test_an_attempt_has_a_variant_exactly_when_it_takes_part(engine: Engine) -> None:
    with pytest.raises(IntegrityError, match="attempts_variant_of_experiment"), engine.begin() as conn:
        took_part(conn, make_world(conn), State.GENERATING, "a", experiment=None)
