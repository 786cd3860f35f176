"""A worker process that is frozen beyond its lease changes nothing when it returns, at every step.

The cases share one system: the worker that takes over from one zombie becomes the zombie of the next case.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from db.engine.commands import cancel
from diorama.embedded import ServerProcess
from jobs.support.redriving import retry_job
from tests.support.eventually import eventually
from tests.support.invariants import assert_attempts_add_up, assert_credits_add_up, assert_sound
from tests.support.pictures import finished_objects
from tests.support.principals import SUPPORT
from tests.support.system import Servers, System

pytestmark = pytest.mark.faults

# The provider delays the worker by this much: enough time to freeze it, but less than its timeout.
_DELAY = {"seconds": 0.9}
# Transcoding cannot be delayed: a job may be done with it before its worker is frozen.
_TRIES = 5


class Relay:
    """A system with one worker at work."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.worker: ServerProcess = self.system.start_worker()
        self._requested = 0

    def request(self) -> UUID:
        """Request one more avatar."""
        self._requested += 1
        return self.system.ask_for_avatar(f"avatar-{self._requested}")

    def freeze(self, job_id: UUID, state: str) -> ServerProcess | None:
        """Freeze the worker while it works on the job in this state, and return it; no worker runs then.

        Returns None, and lets the worker run, if it was done with that state before it was frozen.
        """
        self.system.wait_for(job_id, state, claimed=True)
        self.worker.signal(signal.SIGSTOP)
        eventually(lambda: _is_stopped(self.worker.pid), every_s=0.002)
        if self.system.is_left_in(job_id, state):
            return self.worker
        self.worker.signal(signal.SIGCONT)
        return None

    def catch(self, state: str, delay: Callable[[System], None]) -> tuple[UUID, ServerProcess]:
        """Request avatars until the worker is frozen while it works on one in this state."""
        for _ in range(_TRIES):
            delay(self.system)
            job_id = self.request()
            if zombie := self.freeze(job_id, state):
                return job_id, zombie
            self.system.wait_for(job_id, "succeeded")
            self.system.control.calm()
        raise AssertionError(f"no worker was frozen while its job was {state}")

    def take_over(self, job_id: UUID, end: str) -> Any:
        """Have another worker finish the job, and return its row."""
        self.worker = self.system.start_worker()
        return self.system.wait_for(job_id, end)


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.fixture(scope="module")
def relay(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    with servers.system(tmp_path_factory.mktemp("zombies")) as system:
        yield Relay(system)


def delay_the_response(system: System) -> None:
    system.fault("slow_body", operation="predictions.create", count=1, options=_DELAY)


def lose_the_response_and_delay_the_list(system: System) -> None:
    system.fault("reset_after_accept", operation="predictions.create", count=1)
    system.fault("stall", operation="predictions.list", count=1, options=_DELAY)


def delay_the_poll(system: System) -> None:
    system.fault("stall", operation="predictions.get", count=1, options=_DELAY)


def delay_the_output(system: System) -> None:
    system.fault("slow_body", listener="delivery", count=1, options=_DELAY)


def delay_nothing(_: System) -> None:
    """Do nothing: transcoding a picture takes long enough."""


@pytest.mark.parametrize(
    ("state", "delay"),
    [
        ("submitting", delay_the_response),
        ("reconciling", lose_the_response_and_delay_the_list),
        ("generating", delay_the_poll),
        ("storing", delay_the_output),
        ("transcoding", delay_nothing),
    ],
    ids=["submitting", "reconciling", "generating", "storing", "transcoding"],
)
def test_a_frozen_worker_changes_nothing_when_it_returns(
    relay: Relay, state: str, delay: Callable[[System], None]
) -> None:
    """Its lease has expired, and the job's lease number has grown."""
    job_id, zombie = relay.catch(state, delay)
    before = relay.take_over(job_id, "succeeded")
    _thaw(relay, zombie, before)
    # If it was frozen before its call was sent, there is nothing to adopt: only the second attempt's objects exist.
    assert relay.system.objects(job_id) == finished_objects(before.attempt)


@pytest.mark.parametrize("redriven", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_a_worker_frozen_while_undoing_a_job_changes_nothing_either(relay: Relay, redriven: bool) -> None:
    """This is also true if the job was redriven and has succeeded meanwhile."""
    relay.system.fault("stick_processing", count=1)
    relay.system.fault("stall", operation="predictions.cancel", count=1, options=_DELAY)
    job_id = relay.request()
    relay.system.wait_for(job_id, "generating")
    with relay.system.engine.begin() as conn:
        assert cancel(conn, job_id, "api")
    zombie = relay.freeze(job_id, "compensating")
    assert zombie, "the job was undone before its worker was frozen"
    before = relay.take_over(job_id, "canceled")
    if redriven:
        with relay.system.engine.begin() as conn:
            retry_job(conn, SUPPORT, job_id)
        before = relay.system.wait_for(job_id, "succeeded")
    _thaw(relay, zombie, before)
    assert relay.system.objects(job_id) == (finished_objects(2) if redriven else [])
    with relay.system.engine.connect() as conn:
        undone = conn.execute(text("SELECT state FROM compensation_actions WHERE job_id = :id"), {"id": job_id})
        assert set(undone.scalars()) == {"done"}


def _thaw(relay: Relay, zombie: ServerProcess, before: Any) -> None:
    zombie.signal(signal.SIGCONT)
    zombie.stop()
    assert relay.system.row(before.id) == before
    assert len(relay.system.events(before.id)) == before.seq
    for check in (assert_sound, assert_attempts_add_up, assert_credits_add_up):
        check(relay.system.engine)
    relay.system.control.calm()
