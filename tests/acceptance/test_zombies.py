"""A worker process that is frozen past its lease and comes back changes nothing, at every step.

The cases share one stocked system: the worker that finishes a job in place of a zombie is the zombie of the next case.
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
from tests.jobs.support.reviewers import SUPPORT
from tests.support.eventually import eventually
from tests.support.invariants import assert_attempts_add_up, assert_credits_add_up, assert_sound
from tests.support.stocked_system import Servers, StockedSystem
from tests.support.system import System

# How long the provider keeps the victim waiting: time enough to freeze it, and less than it waits.
_HELD_UP = {"seconds": 0.9}
# Nothing holds up the bringing to size: a job may be through with it before its worker stands still.
_TRIES = 5


class Relay:
    """A stocked system with one worker at work."""

    def __init__(self, stocked: StockedSystem) -> None:
        self.system: System = stocked.system
        self.worker: ServerProcess = self.system.start_worker()
        self._asked = 0

    def ask(self) -> UUID:
        """Ask for one more avatar."""
        self._asked += 1
        return self.system.ask_for_avatar(f"avatar-{self._asked}")

    def freeze(self, job_id: UUID, state: str) -> ServerProcess | None:
        """Freeze the worker while it has the job in hand in this state, and return it; nobody is at work then.

        Returns None, with the worker at work, where it was through with that before it stood still.
        """
        self.system.wait_for(job_id, state, held=True)
        self.worker.signal(signal.SIGSTOP)
        eventually(lambda: _is_stopped(self.worker.pid), every_s=0.002)
        if self.system.is_left_in(job_id, state):
            return self.worker
        self.worker.signal(signal.SIGCONT)
        return None

    def catch(self, state: str, holds_up: Callable[[System], None]) -> tuple[UUID, ServerProcess]:
        """Ask for avatars until the worker is frozen while it has one in hand in this state."""
        for _ in range(_TRIES):
            holds_up(self.system)
            job_id = self.ask()
            if zombie := self.freeze(job_id, state):
                return job_id, zombie
            self.system.wait_for(job_id, "succeeded")
            self.system.calm()
        raise AssertionError(f"no worker was frozen while its job was {state}")

    def take_over(self, job_id: UUID, end: str) -> Any:
        """Have another worker bring the job to its end, and return its row."""
        self.worker = self.system.start_worker()
        return self.system.wait_for(job_id, end)


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.fixture(scope="module")
def relay(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    with servers.stocked(tmp_path_factory.mktemp("zombies")) as stocked:
        yield Relay(stocked)


def answer_slowly(system: System) -> None:
    system.fault("slow_body", operation="predictions.create", count=1, options=_HELD_UP)


def lose_the_answer_and_list_slowly(system: System) -> None:
    system.fault("reset_after_accept", operation="predictions.create", count=1)
    system.fault("stall", operation="predictions.list", count=1, options=_HELD_UP)


def tell_slowly(system: System) -> None:
    system.fault("stall", operation="predictions.get", count=1, options=_HELD_UP)


def deliver_slowly(system: System) -> None:
    system.fault("slow_body", listener="delivery", count=1, options=_HELD_UP)


def nothing(_: System) -> None:
    """Bringing a picture to its size takes long enough."""


@pytest.mark.parametrize(
    ("state", "holds_up"),
    [
        ("submitting", answer_slowly),
        pytest.param("reconciling", lose_the_answer_and_list_slowly, marks=pytest.mark.faults),
        pytest.param("generating", tell_slowly, marks=pytest.mark.faults),
        ("storing", deliver_slowly),
        pytest.param("transcoding", nothing, marks=pytest.mark.faults),
    ],
    ids=["submitting", "reconciling", "generating", "storing", "transcoding"],
)
def test_a_frozen_worker_changes_nothing_when_it_comes_back(
    relay: Relay, state: str, holds_up: Callable[[System], None]
) -> None:
    """Its lease has ended and grown without it."""
    job_id, zombie = relay.catch(state, holds_up)
    before = relay.take_over(job_id, "succeeded")
    _come_back(relay, zombie, before)
    # Frozen before its call was sent, it leaves nothing to adopt, and the second attempt's objects are the only ones.
    assert relay.system.objects(job_id) == [f"{before.attempt}/avatar.png", f"{before.attempt}/source.png"]


@pytest.mark.parametrize("again", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_one_that_was_frozen_while_it_undid_a_job_changes_nothing_either(relay: Relay, again: bool) -> None:
    """Nor where the job was tried again and has succeeded meanwhile."""
    relay.system.fault("stick_processing", count=1)
    relay.system.fault("stall", operation="predictions.cancel", count=1, options=_HELD_UP)
    job_id = relay.ask()
    relay.system.wait_for(job_id, "generating")
    with relay.system.engine.begin() as conn:
        assert cancel(conn, job_id, "api")
    zombie = relay.freeze(job_id, "compensating")
    assert zombie, "the job was undone before its worker was frozen"
    before = relay.take_over(job_id, "canceled")
    if again:
        with relay.system.engine.begin() as conn:
            retry_job(conn, SUPPORT, job_id)
        before = relay.system.wait_for(job_id, "succeeded")
    _come_back(relay, zombie, before)
    assert relay.system.objects(job_id) == (["2/avatar.png", "2/source.png"] if again else [])
    with relay.system.engine.connect() as conn:
        undone = conn.execute(text("SELECT state FROM compensation_actions WHERE job_id = :id"), {"id": job_id})
        assert set(undone.scalars()) == {"done"}


def _come_back(relay: Relay, zombie: ServerProcess, before: Any) -> None:
    zombie.signal(signal.SIGCONT)
    zombie.stop()
    assert relay.system.row(before.id) == before
    assert len(relay.system.events(before.id)) == before.seq
    for check in (assert_sound, assert_attempts_add_up, assert_credits_add_up):
        check(relay.system.engine)
    relay.system.calm()
