"""Hints reach every listener, many in one message, and none of them is needed."""

from __future__ import annotations

from queue import Queue

import psycopg
import pytest
from sqlalchemy import Engine, text

from db.ids import new_id
from jobs.engine import hints
from jobs.engine.hints import DUE_CHANNEL, EVENTS_CHANNEL, Hinter, HintListener, due_steps
from statemachine.vocabulary import Step
from tests.support.eventually import scaled


def listen_url(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def test_a_hint_names_the_due_steps_and_the_moved_jobs(engine: Engine) -> None:
    due: Queue[set[Step]] = Queue()
    listener = HintListener(listen_url(engine), {DUE_CHANNEL: lambda hint: due.put(set(due_steps(hint)))})
    hinter = Hinter(engine)
    job_id = new_id()
    with psycopg.connect(listen_url(engine), autocommit=True) as conn:
        conn.execute(f"LISTEN {EVENTS_CHANNEL}")
        assert due.get(timeout=scaled(10)) == set(Step), "after connecting, everything may have been missed"
        hinter.hint([Step.POLL, Step.STORE], [job_id])
        assert due.get(timeout=scaled(10)) == {Step.POLL, Step.STORE}
        (notice,) = conn.notifies(timeout=scaled(10), stop_after=1)
    assert notice.payload == job_id.hex
    hinter.close()
    listener.close()


def test_a_hint_for_many_jobs_stands_for_all_jobs(engine: Engine) -> None:
    """A payload has room only for a few hundred ids."""
    hinter = Hinter(engine)
    with psycopg.connect(listen_url(engine), autocommit=True) as conn:
        conn.execute(f"LISTEN {EVENTS_CHANNEL}")
        hinter.hint([], [new_id() for _ in range(1000)])
        (notice,) = conn.notifies(timeout=scaled(10), stop_after=1)
    assert notice.payload == "*"
    hinter.close()


def test_the_first_hint_does_not_wait_and_later_ones_travel_together(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each statement wakes every listener. None of them is lost when the process stops."""
    monkeypatch.setattr(hints, "_EVERY_S", 3600.0)
    hinter = Hinter(engine)
    first, *others = (new_id() for _ in range(100))
    with psycopg.connect(listen_url(engine), autocommit=True) as conn:
        conn.execute(f"LISTEN {EVENTS_CHANNEL}")
        hinter.hint([], [first])
        (notice,) = conn.notifies(timeout=scaled(10), stop_after=1)
        assert notice.payload == first.hex
        for job_id in others:
            hinter.hint([], [job_id])
        hinter.close()
        (notice,) = conn.notifies(timeout=scaled(10), stop_after=1)
    assert set(notice.payload.split()) == {job_id.hex for job_id in others}


def test_a_listener_whose_connection_is_cut_listens_again(engine: Engine) -> None:
    due: Queue[set[Step]] = Queue()
    listener = HintListener(listen_url(engine), {DUE_CHANNEL: lambda hint: due.put(set(due_steps(hint)))})
    due.get(timeout=scaled(10))
    with engine.begin() as conn:
        conn.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%hint-listener'")
        )
    assert due.get(timeout=scaled(10)) == set(Step)
    listener.close()
