"""The leftovers of an attempt are read while no transaction moves the job, so none of them is out of date."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from db.engine.locking import lock_families
from db.engine.recording import record
from db.engine.redriving import Relative, read_family
from db.upkeep.leftovers import Leftovers, leftovers_of
from statemachine import outcomes as o
from statemachine.vocabulary import State
from tests.support.eventually import eventually, scaled
from tests.support.factories import claimed, make_job, make_world, move_of, output_of


def waits_for_a_lock(engine: Engine) -> bool:
    with engine.connect() as conn:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(conn.scalar(text(query)))


def test_the_objects_of_a_job_that_succeeds_at_the_same_moment_are_named(engine: Engine) -> None:
    """A late worker reads what it may delete while another worker commits that very file."""
    with engine.begin() as conn:
        job_id = make_job(conn, make_world(conn), State.TRANSCODING)
        job = claimed(conn, job_id)
    output = output_of(job)

    def read_leftovers() -> Leftovers | None:
        with engine.begin() as conn:
            return leftovers_of(conn, job_id, job.attempt)

    with engine.connect() as owner, ThreadPoolExecutor(1) as late:
        assert record(owner, [move_of(job, o.StepDone(), output, output_id=output.id)]).moved
        pending = late.submit(read_leftovers)
        eventually(lambda: waits_for_a_lock(engine))
        owner.commit()
        left = pending.result(scaled(20))
    assert left is not None
    assert left.state is State.SUCCEEDED
    assert output.object_key in left.named


def test_a_job_whose_source_is_deleted_at_the_same_moment_does_not_resume_from_it(engine: Engine) -> None:
    with engine.begin() as conn:
        job_id = make_job(conn, make_world(conn), State.FAILED)
        set_source(conn, job_id, "jobs/x/1/source.png")

    def read_locked_family() -> dict[UUID, Relative]:
        with engine.begin() as conn:
            lock_families(conn, [job_id])
            return read_family(conn, job_id)

    with engine.connect() as owner, ThreadPoolExecutor(1) as late:
        owner.execute(text("SELECT FROM jobs WHERE id = :id FOR UPDATE"), {"id": job_id})
        # Every move of the job writes its row.
        owner.execute(text("UPDATE jobs SET cost_micros = cost_micros + 1 WHERE id = :id"), {"id": job_id})
        set_source(owner, job_id, None)
        pending = late.submit(read_locked_family)
        eventually(lambda: waits_for_a_lock(engine))
        owner.commit()
        assert not pending.result(scaled(20))[job_id].has_source


def set_source(conn: Connection, job_id: UUID, key: str | None) -> None:
    conn.execute(text("UPDATE attempts SET source_key = :key WHERE job_id = :id"), {"key": key, "id": job_id})
