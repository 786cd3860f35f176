"""Jobs asked for, advanced, crashed, canceled and failed by the provider in any order; sound after every step."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from db.moves import cancel
from jobs.providers.failures import of_status
from jobs.providers.provider import Submission
from statemachine.outcomes import OutcomeLost, Refused, Rejected
from statemachine.states import State
from tests.crashes.fakes import Submitted, no_answer
from tests.crashes.lab import Killed, Lab, Trap, plain_avatar
from tests.crashes.points import POINTS, Fault
from tests.eventually import eventually
from tests.factories import World, make_job, make_world
from tests.invariants import assert_attempts_add_up, assert_credits_add_up, assert_sound

_ROUNDS_MAX = 400
_STARTS = (State.QUEUED, State.GENERATING, State.STORING, State.TRANSCODING)


def _busy(_: Submission) -> Submitted:
    return Refused(of_status(429, "slow down", 1.0))


def _unwanted(_: Submission) -> Submitted:
    return Rejected(of_status(422, "no", None))


def _never_arrived(_: Submission) -> Submitted:
    return OutcomeLost("ConnectionResetError after sending")


class Machine(RuleBasedStateMachine):
    """What may happen to a few jobs. `lab` is set by the test."""

    lab: Lab

    @initialize(starts=st.lists(st.sampled_from(_STARTS), min_size=2, max_size=4))
    def begin(self, starts: list[State]) -> None:
        """Each run has jobs of its own, somewhere on their way; the database stays."""
        self.lab.renew()
        self.jobs: list[UUID] = []
        with self.lab.engine.begin() as conn:
            self.world: World = make_world(conn)
        for state in starts:
            self.create()
            self.lab.drive(self.jobs[-1], state)

    @precondition(lambda self: len(self.jobs) < 4)
    @rule()
    def create(self) -> None:
        """Somebody asks for an avatar."""
        with self.lab.engine.begin() as conn:
            self.jobs.append(make_job(conn, self.world))

    @rule(steps=st.integers(1, 5))
    def advance(self, steps: int) -> None:
        """A worker does its work, in its own time."""
        for _ in range(steps):
            self.lab.let_time_pass()
            self.lab.healthy.work_once()

    @precondition(lambda self: self.jobs)
    @rule(point=st.sampled_from(POINTS), fault=st.sampled_from([Fault.KILLED, Fault.CUT, Fault.ANSWER_LOST]))
    def crash(self, point: object, fault: Fault) -> None:
        """A worker dies, is cut off or loses an answer, if it comes to that point."""
        self.lab.let_time_pass()
        worker = self.lab.worker(Trap(point.name, fault))  # type: ignore[attr-defined]
        with suppress(Killed):
            worker.work_once()
        worker.close()

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """An owner changes their mind."""
        with self.lab.engine.begin() as conn:
            cancel(conn, data.draw(st.sampled_from(self.jobs)), "api")

    @rule()
    def time_passes(self) -> None:
        """Leases end, and everything is due."""
        self.lab.let_time_pass()

    @rule(answer=st.sampled_from([_busy, _unwanted, _never_arrived, None]))
    def the_next_submission_goes_wrong(self, answer: object) -> None:
        """The provider is busy, declines, never hears of it, or takes it and nobody hears of that."""
        self.lab.provider.answers.append(answer or no_answer(self.lab.provider))  # type: ignore[arg-type]

    @rule(ends_as=st.sampled_from(["succeeded", "succeeded", "processing", "failed", "canceled", "aborted"]))
    def predictions_end_as(self, ends_as: str) -> None:
        """The provider's mood changes."""
        self.lab.provider.ends_as = ends_as
        self.lab.provider.error = "Prediction failed (E9828)"

    @rule()
    def outputs_vanish(self) -> None:
        """An hour has passed at the provider."""
        self.lab.provider.gone.update(f"memory://{id_}/out.png" for id_ in self.lab.provider.booked)

    @rule(is_listed=st.booleans())
    def the_list_answers(self, is_listed: bool) -> None:
        """The provider's list is out of reach, or back."""
        self.lab.provider.is_listed = is_listed

    @invariant()
    def it_is_sound(self) -> None:
        """Histories are gapless and legal, and attempts and credits add up, after every step."""
        assert_sound(self.lab.engine)
        assert_attempts_add_up(self.lab.engine)
        assert_credits_add_up(self.lab.engine)

    def teardown(self) -> None:
        """When everything behaves again, every job ends, with one bill a token and exactly its own objects."""
        provider = self.lab.provider
        provider.answers.clear()
        provider.ends_as, provider.is_listed = "succeeded", True
        for _ in range(_ROUNDS_MAX):
            self.lab.let_time_pass()
            if not self.lab.healthy.work_once():
                break
        for job_id in self.jobs:
            assert self.lab.state(job_id) in (State.SUCCEEDED, State.FAILED, State.CANCELED), self.lab.events(job_id)
            assert all(provider.charges(token) <= 1 for token in self.lab.tokens(job_id))
        eventually(lambda: set(self.lab.objects) == self._named())
        self.it_is_sound()

    def _named(self) -> set[str]:
        """The objects that rows of these jobs name."""
        with self.lab.engine.connect() as conn:
            return set(
                conn.scalars(
                    text(
                        "SELECT source_key FROM attempts WHERE job_id = ANY (:jobs) AND source_key IS NOT NULL "
                        "UNION ALL SELECT a.object_key FROM assets a JOIN jobs j ON j.output_id = a.id "
                        "WHERE j.id = ANY (:jobs) AND a.state = 'ready'"
                    ),
                    {"jobs": self.jobs},
                )
            )


@pytest.mark.timeout(240)
def test_whatever_happens_in_whatever_order(one_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("jobs.steps.transcode"), "normalise_avatar", plain_avatar)
    Machine.lab = one_lab
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
