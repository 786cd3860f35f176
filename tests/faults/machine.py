"""Request, advance, crash, cancel, pause, retry and redrive a few jobs, with webhooks and errors, in any order.

Everything is real except the provider, the object store and the media work: Postgres, its commits and its clock, the
steps, the recorder, the use cases behind the API. The invariants are checked after each action. At the end, when
everything works again, every job must end with one charge for each token and exactly its own objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Connection

from db.ids import new_id
from db.records.jobs import JobFilter
from db.scope import EVERYTHING
from jobs.errors import UseCaseError
from jobs.requesting.cancellation import cancel_job
from jobs.support.pausing import pause, resume
from jobs.support.redrives import RedriveRequest, continue_redrives, request_redrive
from jobs.support.redriving import retry_job
from jobs.support.reviewing import review_compensation
from jobs.tracking.provider_webhooks import NotVerified
from jobs.upkeep.deadlines import end_overdue
from statemachine.vocabulary import State, Step
from tests.faults import provider_behaviours, requests
from tests.faults.job_rows import JobRows
from tests.faults.lab import Lab, LabWorker
from tests.faults.points import POINTS, Fault, Point
from tests.faults.traps import Killed, Trap
from tests.faults.webhooks import Message, messages_of
from tests.support.eventually import eventually
from tests.support.factories import make_world
from tests.support.invariants import (
    assert_attempts_add_up,
    assert_credits_add_up,
    assert_roll_backs_took_nothing_owned,
    assert_sound,
    assert_undone,
)
from tests.support.principals import SUPPORT, partner_of, support_of

T = TypeVar("T")

_STEPS_MAX = 400
_JOBS_MAX = 12
_FOREIGN_KEY = "whsec_bm90LXRoZS1rZXktdGhhdC13YXMtYWdyZWVk"
# Shorter than a lease, longer than a lease, longer than the search for a lost submission, and, rarely, than a deadline.
_HOPS = (10, 10, 180, 180, 180, 1500, 1500, 25200)
# A choice among several is drawn as a number, so that a run can be repeated although the ids differ.
_PLACES = st.integers(0, 59)
_INVARIANTS = (
    assert_sound,
    assert_attempts_add_up,
    assert_credits_add_up,
    assert_undone,
    assert_roll_backs_took_nothing_owned,
)
_STEPS_AT = {
    State.QUEUED: ("intent", "submit"),
    State.RECONCILING: ("reconcile",),
    State.GENERATING: ("poll",),
    State.STORING: ("store",),
    State.TRANSCODING: ("transcode",),
    State.COMPENSATING: ("compensate",),
}
# The number of steps that a worker does after an action.
_THEN = st.integers(0, 3)
_FAULTS = (Fault.KILLED, Fault.CUT, Fault.RESPONSE_LOST)


class Machine(RuleBasedStateMachine):
    """A few jobs of one account, and everything that may happen to them. `lab` is set by the test."""

    lab: Lab

    @initialize(starts=st.lists(st.sampled_from(requests.STARTS), min_size=1, max_size=2))
    def begin(self, starts: list[tuple[requests.Request, State]]) -> None:
        """Begin a run with a new account and one or two jobs under way; the database is kept."""
        self.lab.renew()
        self.number = 0
        with self.lab.engine.begin() as conn:
            self.world = make_world(conn)
        self.partner = partner_of(self.world)
        self.rows = JobRows(self.lab.engine, self.world.owner.account_id)
        for request, state in starts:
            self._request(request)
            (avatar,) = self.rows.select(
                "SELECT id FROM jobs WHERE id = ANY (:jobs) AND (kind, state) = ('avatar', 'queued')"
            )
            self.lab.drive(avatar.id, state)

    @rule(request=st.sampled_from(requests.REQUESTS), then=_THEN)
    def request(self, request: requests.Request, then: int) -> None:
        """Make a request, and repeat it at once, which makes nothing new."""
        if len(self.rows.ids()) < _JOBS_MAX:
            self._request(request)
        self._work(self.lab.healthy, then)

    @rule(steps=st.integers(1, 6))
    def advance(self, steps: int) -> None:
        """Let a worker do a few steps."""
        self._work(self.lab.healthy, steps)

    @rule(place=st.integers(0, 599), fault=st.sampled_from(_FAULTS), steps=st.integers(1, 4))
    def crash(self, place: int, fault: Fault, steps: int) -> None:
        """Let a worker die, lose its connections or lose a response, if it reaches that point."""
        worker = self.lab.worker(Trap(_at(place, self._points_ahead()).name, fault))
        with suppress(Killed):
            self._work(worker, steps)
        worker.close()

    @rule(seconds=st.sampled_from(_HOPS))
    def time_passes(self, seconds: int) -> None:
        """Move the database's clock: leases expire, waits end, deadlines pass, periodic tasks run."""
        self.lab.move_clock(timedelta(seconds=seconds))
        runtime = self.lab.healthy.runtime
        end_overdue(runtime.engine, runtime.recorder, runtime.policy)
        self.lab.healthy.search_orphans()

    @rule(behaviour=st.sampled_from(provider_behaviours.BEHAVIOURS), steps=st.integers(1, 3))
    def change_provider(self, behaviour: provider_behaviours.Behaviour, steps: int) -> None:
        """Change the provider, for the next submission or from now on, and let a worker call it."""
        behaviour(self.lab)
        if not self.rows.select("SELECT FROM jobs WHERE state = 'queued' AND id = ANY (:jobs)"):
            self.request(requests.avatar, 0)
        self._work(self.lab.healthy, steps)

    @rule(place=_PLACES, then=_THEN)
    def cancel(self, place: int, then: int) -> None:
        """Cancel a job, mostly one that has not ended."""
        self._try(lambda conn, job_id: cancel_job(conn, self.partner, job_id), place, "finished_at IS NULL")
        self._work(self.lab.healthy, then)

    @rule(place=_PLACES, then=_THEN)
    def retry(self, place: int, then: int) -> None:
        """Retry a job as its owner, mostly one that has failed or was canceled."""
        self._try(lambda conn, job_id: retry_job(conn, self.partner, job_id), place, "state IN ('failed', 'canceled')")
        self._work(self.lab.healthy, then)

    @rule(states=st.sampled_from([(), (State.CANCELED,), (State.FAILED, State.CANCELED)]), most=st.integers(1, 3))
    def redrive(self, states: tuple[State, ...], most: int) -> None:
        """Redrive jobs that ended badly, at a rate, as support."""
        wanted = JobFilter(ids=self.rows.ids(), states=states)
        request = RedriveRequest(str(new_id()), wanted, EVERYTHING, 6000, most, "the models work again")
        with self.lab.engine.begin() as conn:
            request_redrive(conn, support_of(self.world), request)
        continue_redrives(self.lab.engine)

    @rule(step=st.sampled_from(Step), then=_THEN)
    def pause(self, step: Step, then: int) -> None:
        """Pause a step for everyone, or resume it, as support."""
        with self.lab.engine.begin() as conn:
            if not resume(conn, SUPPORT, step):
                pause(conn, SUPPORT, step, reason="the models fail")
        self._work(self.lab.healthy, then)

    @rule(place=_PLACES, waive=st.booleans())
    def review(self, place: int, waive: bool) -> None:
        """Retry or waive an action that could not be undone, as support."""
        in_review = self.rows.select(
            "SELECT job_id, action FROM compensation_actions WHERE state = 'needs_review' AND job_id = ANY (:jobs)"
        )
        if in_review:
            job_id, action = _at(place, in_review)
            with suppress(UseCaseError), self.lab.engine.begin() as conn:
                review_compensation(conn, SUPPORT, job_id, action, waive=waive, note="reviewed")

    @rule(place=_PLACES, is_reversed=st.booleans(), times=st.integers(1, 2))
    def deliver_webhooks(self, place: int, is_reversed: bool, times: int) -> None:
        """Deliver the webhooks of a prediction late, twice or in the wrong order, which moves no job."""
        self._strangers_send_webhooks()
        if not self.lab.provider.booked:
            return
        # Mostly one of the last three, because jobs still wait for those.
        predictions = list(self.lab.provider.booked)
        prediction_id = _at(place, predictions[-3:] if place % 5 else predictions)
        self.lab.provider.get(prediction_id)
        messages = messages_of(self.lab.provider, prediction_id)
        before = self.rows.states()
        for message in reversed(messages) if is_reversed else messages:
            for time in range(times):
                assert message.deliver(self.lab.engine) is None or time == 0, "a message counted twice"
        assert self.rows.states() == before

    @invariant()
    def it_is_sound(self) -> None:
        """Check that histories are gapless and legal, attempts and credits add up, and no owned output was removed."""
        # Only this run's account is checked: what a failed run left behind must not make the next run fail, too.
        for check in _INVARIANTS:
            check(self.lab.engine, self.world.owner.account_id)

    def teardown(self) -> None:
        """Let everything work again; check that every job ends with one charge a token and exactly its own objects."""
        self._calm()
        for _ in range(_STEPS_MAX):
            self.lab.let_time_pass()
            if not self.lab.healthy.work_once():
                break
        for job_id in self.rows.ids():
            assert self.lab.state(job_id).is_terminal, self.lab.events(job_id)
            assert all(self.lab.provider.charges(token) <= 1 for token in self.lab.tokens(job_id))
        eventually(lambda: set(self.lab.objects) == self.rows.named_objects())
        self.it_is_sound()
        self.lab.healthy.search_orphans()
        self.it_is_sound()
        assert self._running_unseen() == []

    def _strangers_send_webhooks(self) -> None:
        """Send webhooks with an unknown token or a foreign key, which change nothing."""
        before = self.rows.select("SELECT * FROM jobs WHERE id = ANY (:jobs) ORDER BY id")
        assert Message(uuid4(), "elsewhere", "succeeded").deliver(self.lab.engine) is None
        for booked in list(self.lab.provider.booked.values())[:1]:
            with pytest.raises(NotVerified):
                Message(booked.token, "forged", "succeeded").deliver(self.lab.engine, signed_with=_FOREIGN_KEY)
        assert self.rows.select("SELECT * FROM jobs WHERE id = ANY (:jobs) ORDER BY id") == before

    def _request(self, request: requests.Request) -> None:
        self.number += 1
        key = f"request-{self.number}"
        jobs = [
            (row.id, State(row.state))
            for row in self.rows.select(
                "SELECT id, state FROM jobs WHERE kind = 'avatar' AND id = ANY (:jobs) ORDER BY id"
            )
        ]
        with suppress(UseCaseError):
            with self.lab.engine.begin() as conn:
                made = request(conn, self.partner, key, self.world.selfie_id, jobs)
            with self.lab.engine.begin() as conn:
                again = request(conn, self.partner, key, self.world.selfie_id, jobs)
            assert [each.resource_id for each in again] == [each.resource_id for each in made]
            assert all(each.replayed for each in again)

    def _try(self, act: Callable[[Connection, UUID], Any], place: int, mostly: str) -> None:
        suitable = self.rows.select(f"SELECT id FROM jobs WHERE id = ANY (:jobs) AND {mostly} ORDER BY id")
        job_id = _at(place, [row.id for row in suitable] if suitable and place % 10 else self.rows.ids())
        with suppress(UseCaseError), self.lab.engine.begin() as conn:
            act(conn, job_id)

    def _points_ahead(self) -> list[Point]:
        """Return the boundaries in the next steps of the jobs."""
        states = {
            State(row.state) for row in self.rows.select("SELECT DISTINCT state FROM jobs WHERE id = ANY (:jobs)")
        }
        steps = {"claim", *(step for state in states for step in _STEPS_AT.get(state, ()))}
        return [point for point in POINTS if point.step in steps]

    def _work(self, worker: LabWorker, steps: int) -> None:
        for _ in range(steps):
            self.lab.let_time_pass()
            with self._pauses_are_observed():
                worker.work_once()

    def _calm(self) -> None:
        provider_behaviours.recovers(self.lab)
        with self.lab.engine.begin() as conn:
            for step in Step:
                resume(conn, SUPPORT, step)

    @contextmanager
    def _pauses_are_observed(self) -> Iterator[None]:
        """Check that no job of a paused step changes within the block."""
        query = (
            "SELECT id, lease, seq FROM jobs WHERE id = ANY (:jobs) "
            "AND state = ANY (ARRAY(SELECT unnest(states) FROM paused_steps)) ORDER BY id"
        )
        before = self.rows.select(query)
        yield
        assert set(before) <= set(self.rows.select(query)), "a worker moved a job of a paused step"

    def _running_unseen(self) -> list[str]:
        """Predictions that are still running, and that the orphan search does not look for in the list."""
        tokens = self.rows.searched_tokens()
        booked = self.lab.provider.booked.items()
        return [id_ for id_, each in booked if each.prediction.is_running and each.token not in tokens]


def _at(place: int, of: Sequence[T]) -> T:
    return of[place % len(of)]
