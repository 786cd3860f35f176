"""The recorder writes moves in groups, of which only the bad ones fail, even if the connection is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from queue import Queue
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from db.connection import DatabaseSettings, connect
from db.engine.recording import Move, Moved
from db.engine.row_changes import AttemptChanged
from jobs.engine.hints import DUE_CHANNEL, Hinter, HintListener, due_steps
from jobs.engine.recorder import DatabaseUnreachable, Recorder, Then
from statemachine.outcomes import Accepted, StillRunning
from statemachine.vocabulary import State, Step
from tests.support.cuts import at_commit, cut_connection, nothing, once
from tests.support.eventually import scaled
from tests.support.factories import World, claimed, make_job, move_of
from tests.support.invariants import assert_sound

MANY = 6


@pytest.fixture
def recorder(engine: Engine, hinter: Hinter) -> Iterator[Recorder]:
    made = Recorder(engine, hinter)
    yield made
    made.close()


def moves_of(engine: Engine, world: World, number: int = MANY) -> list[Move]:
    """Return `number` moves of claimed jobs, each from generating to generating."""
    with engine.begin() as conn:
        jobs = [claimed(conn, make_job(conn, world, State.GENERATING)) for _ in range(number)]
        return [move_of(job, StillRunning(40, 60.0)) for job in jobs]


def as_one_group(recorder: Recorder, moves: list[Move]) -> list[Future[Moved | None]]:
    """Hand all moves to the recorder at once."""
    results: list[Future[Moved | None]] = [Future() for _ in moves]
    recorder.record_all([(move, passing_to(result)) for move, result in zip(moves, results, strict=True)])
    return results


def recording(recorder: Recorder, move: Move) -> Future[Moved | None]:
    """Record a move and return a future of its result."""
    result: Future[Moved | None] = Future()
    recorder.record(move, passing_to(result))
    return result


def passing_to(result: Future[Moved | None]) -> Then:
    """Return a callback that sets the result of a future."""
    return lambda moved, error: result.set_exception(error) if error else result.set_result(moved)


def running(engine: Engine) -> set[UUID]:
    with engine.connect() as conn:
        return set(conn.scalars(text("SELECT id FROM jobs WHERE event = 'still_running'")))


def spoilt_by_a_taken_prediction(move: Move) -> Move:
    return replace(move, row_changes=(AttemptChanged(move.claim.job_id, 1, "running", prediction_id="taken"),))


def spoilt_by_a_number_out_of_bounds(move: Move) -> Move:
    return replace(move, decision=replace(move.decision, percent=101))


def spoilt_by_an_actor_without_text(move: Move) -> Move:
    return replace(move, actor=object())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "spoil", [spoilt_by_a_taken_prediction, spoilt_by_a_number_out_of_bounds, spoilt_by_an_actor_without_text]
)
def test_only_the_poisoned_move_of_a_group_fails(
    engine: Engine, world: World, hinter: Hinter, spoil: Callable[[Move], Move]
) -> None:
    taken, *moves = moves_of(engine, world)
    with engine.begin() as conn:
        conn.execute(text("UPDATE attempts SET prediction_id = 'taken' WHERE job_id = :id"), {"id": taken.claim.job_id})
    bad, *good = moves
    recorder = Recorder(engine, hinter, give_up_after_s=10 * scaled(10))
    failed, *written = as_one_group(recorder, [spoil(bad), *good])
    assert all(future.result(scaled(10)) is not None for future in written), "the others waited for the poisoned one"
    assert isinstance(failed.exception(scaled(10)), DBAPIError | TypeError)
    assert running(engine) == {move.claim.job_id for move in good}
    assert recorder.record_now(taken), "the recorder must go on afterwards"
    recorder.close()
    assert_sound(engine)


def test_a_row_that_stays_locked_delays_no_other_move(
    engine: Engine, database_url: str, world: World, hinter: Hinter
) -> None:
    impatient = connect(DatabaseSettings(database_url, pool_size=2, lock_timeout_s=1), name="recorder")
    recorder = Recorder(impatient, hinter)
    kept, *others = moves_of(engine, world)
    with engine.connect() as locking:
        locking.execute(text("SELECT 1 FROM jobs WHERE id = :id FOR UPDATE"), {"id": kept.claim.job_id})
        locked, *written = as_one_group(recorder, [kept, *others])
        assert all(future.result(scaled(10)) is not None for future in written)
        assert isinstance(locked.exception(scaled(10)), DBAPIError)
    recorder.close()
    impatient.dispose()


@pytest.mark.parametrize("when", ["before the commit", "after the commit"])
def test_a_connection_lost_at_the_commit_is_repeated_harmlessly(
    engine: Engine, world: World, recorder: Recorder, when: str
) -> None:
    moves = moves_of(engine, world)
    seqs = {move.claim.job_id: sequence(engine, move) for move in moves}
    lost = once(lose_the_response if when == "after the commit" else cut_connection)
    before, after = (nothing, lost) if when == "after the commit" else (lost, nothing)
    with at_commit(engine, before, after):
        results = [future.result(scaled(20)) for future in as_one_group(recorder, moves)]
    # If the first commit worked, the second finds every lease already used: it reports that, and moves no job twice.
    assert all((result is None) == (when == "after the commit") for result in results)
    assert {move.claim.job_id: sequence(engine, move) - 1 for move in moves} == seqs
    assert_sound(engine)


def test_closing_writes_the_remaining_moves(engine: Engine, world: World, hinter: Hinter) -> None:
    recorder = Recorder(engine, hinter)
    moves = moves_of(engine, world)
    is_closing = threading.Event()

    def wait_until_closing(_: object) -> None:
        assert is_closing.wait(scaled(10))

    def close() -> None:
        is_closing.set()
        recorder.close()

    with at_commit(engine, once(wait_until_closing), nothing):
        futures = [recording(recorder, move) for move in moves]
        closing = threading.Thread(target=close)
        closing.start()
        closing.join()
    assert all(future.result(0) is not None for future in futures)
    assert running(engine) == {move.claim.job_id for move in moves}


def test_a_database_that_stays_away_is_waited_for_once_and_not_once_per_move(
    engine: Engine, world: World, hinter: Hinter
) -> None:
    moves = moves_of(engine, world)
    nowhere = connect(DatabaseSettings("postgresql://none@127.0.0.1:1/nowhere"), name="nowhere")
    tries: list[object] = []
    event.listen(nowhere, "do_connect", lambda *given: tries.append(given))
    recorder = Recorder(nowhere, hinter, give_up_after_s=0.0, retry_every_s=0.01)
    futures = as_one_group(recorder, moves)
    assert all(isinstance(future.exception(scaled(10)), DatabaseUnreachable) for future in futures)
    recorder.close()
    assert len(tries) < len(moves), "each move was tried by itself"


def test_a_refused_move_raises_its_error_for_the_waiting_caller(
    engine: Engine, world: World, recorder: Recorder
) -> None:
    first, second = moves_of(engine, world, 2)
    with engine.begin() as conn:
        conn.execute(text("UPDATE attempts SET prediction_id = 'taken' WHERE job_id = :id"), {"id": first.claim.job_id})
    with pytest.raises(IntegrityError):
        recorder.record_now(spoilt_by_a_taken_prediction(second))


def lose_the_response(connection: Any) -> None:
    """Let the commit succeed, and cut the connection before its response."""
    cut_connection(connection)
    connection.execute("SELECT 1")


def sequence(engine: Engine, move: Move) -> int:
    with engine.connect() as conn:
        return int(conn.scalar(text("SELECT seq FROM jobs WHERE id = :id"), {"id": move.claim.job_id}) or 0)


def test_a_response_behind_its_webhook_hints_at_the_poll_step(engine: Engine, world: World, recorder: Recorder) -> None:
    hinted: Queue[set[Step]] = Queue()
    listen_url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    listener = HintListener(listen_url, {DUE_CHANNEL: lambda hint: hinted.put(set(due_steps(hint)))})
    assert hinted.get(timeout=scaled(10)) == set(Step), "after connecting, everything may have been missed"
    with engine.begin() as conn:
        job = claimed(conn, make_job(conn, world, State.SUBMITTING))
        ended = "UPDATE attempts SET sighting = '{\"has_ended\": true}' WHERE job_id = :id"
        conn.execute(text(ended), {"id": job.id})
    changed = AttemptChanged(job.id, job.attempt, "running", prediction_id="early")
    assert recorder.record_now(move_of(job, Accepted("early", 60.0), changed))
    assert Step.POLL in hinted.get(timeout=scaled(10))
    listener.close()


def test_an_error_in_a_callback_does_not_end_the_recorder(engine: Engine, world: World, recorder: Recorder) -> None:
    first, second = moves_of(engine, world, 2)

    def clumsy(moved: Moved | None, error: Exception | None) -> None:
        raise LookupError("the caller is gone")

    recorder.record(first, clumsy)
    assert recorder.record_now(second)
    assert running(engine) == {first.claim.job_id, second.claim.job_id}
