"""A Dramatiq broker without a message table: consuming a queue claims the due rows of a step's lane.

The message is `(job_id, lease)`. Creating or moving a job is enqueuing it, in the same transaction, so there is no
second store to disagree with. Acknowledging a message changes nothing in the database: only what the step recorded
counts.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, NoReturn
from uuid import UUID

from dramatiq import Broker, Consumer, Message, MessageProxy, Middleware, Worker
from sqlalchemy import Engine

from db.engine.claims import Claim, ClaimedJob
from jobs.engine.lease_times import Leases
from jobs.providers.limiter import Limiter, NoLimiter
from jobs.worker.backlog import Backlog
from jobs.worker.claiming import Claiming
from jobs.worker.messages import claim_of, message_of
from statemachine.steps import LANES, Lane
from statemachine.vocabulary import Step

# The net below lost hints: how long an idle consumer sleeps at most.
_LOOK_EVERY_S = 1.0
# Consumers claim about this much work ahead, so that short steps are claimed by the dozen and long ones singly.
_AHEAD_S = 0.25
_CLAIM_MAX = 250
# A hint names a step and not its lane. Work that takes seconds can wait a moment, so that the hints that are meant for
# pictures do not each cost an empty claim.
_REST_S = 0.1
_LANE_OF = {lane.queue: lane for lane in LANES}


class RowBroker(Broker):
    """Claims due jobs for one process. `worker` names it in `claimed_by`; `threads` is how many it runs.

    `limiter` says how many jobs may be begun at the provider.
    """

    def __init__(
        self, engine: Engine, *, worker: str, threads: int, leases: Leases, limiter: Limiter | None = None
    ) -> None:
        # None of Dramatiq's own middleware: retries, delays and time limits belong to the row.
        super().__init__(middleware=[_StopClaiming(self)])
        self.engine = engine
        self.worker = worker
        self.threads = threads
        self.leases = leases
        self.limiter: Limiter = limiter or NoLimiter()
        self.draining = threading.Event()
        self.consumers: dict[Lane, RowConsumer] = {}
        self._claimed: dict[Claim, ClaimedJob] = {}

    def declare_queue(self, queue_name: str) -> None:
        """Declare the queue of a lane; raise KeyError for a name that is none."""
        if queue_name not in self.queues:
            lane = _LANE_OF[queue_name]
            self.emit_before("declare_queue", queue_name)
            self.queues[queue_name] = lane
            self.emit_after("declare_queue", queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1000) -> RowConsumer:
        """Return the consumer of a lane's due jobs. `timeout` in milliseconds; `prefetch` is chosen by the consumer.

        Each lane has one consumer for the life of the process: Dramatiq asks for a new one after an error, and the jobs
        that its threads work on by then, or that are about to be handed over, must not be lost.
        """
        lane = _LANE_OF[queue_name]
        if lane not in self.consumers:
            self.consumers[lane] = RowConsumer(self, lane, idle_s=min(timeout / 1000, _LOOK_EVERY_S))
        return self.consumers[lane]

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> NoReturn:
        """Refuse: a job is enqueued by the transaction that makes it due."""
        raise TypeError(f"{message.actor_name} cannot be sent: create or move the job's row instead")

    def claimed(self, jobs: Iterable[ClaimedJob]) -> None:
        """Keep what was read with the claims, so that the steps need not read it again."""
        self._claimed.update((job.claim, job) for job in jobs)

    def take(self, claim: Claim) -> ClaimedJob | None:
        """Give up what was read with a claim; None where this process did not claim it."""
        return self._claimed.pop(claim, None)

    def reserve(self, lane: Lane, account_id: UUID) -> timedelta | None:
        """Set a place aside for a job that a move is about to make due; None where its consumer has no room."""
        consumer = self.consumers.get(lane)
        return self.leases.of(lane.step) if consumer is not None and consumer.reserve(account_id) else None

    def deliver(self, lane: Lane, job: ClaimedJob | None) -> None:
        """Hand a job that a move has claimed to its consumer, or give its place up."""
        if job is not None:
            self.claimed([job])
        self.consumers[lane].deliver(job.claim if job else None)

    @property
    def silent_s(self) -> float:
        """Seconds since the most idle consumer last polled.

        A process whose consumer hangs, or has ended, may live on and do nothing.
        """
        return time.monotonic() - min((each.asked_at for each in list(self.consumers.values())), default=0.0)

    def wake_for_delivered(self) -> None:
        """Have the consumers look at what a group of moves has handed over."""
        for consumer in self.consumers.values():
            consumer.wake_for_delivered()

    def release_all(self) -> None:
        """Hand back what was delivered after its consumer had closed. Called once everything is recorded."""
        for consumer in self.consumers.values():
            consumer.close()

    def wake(self, steps: Iterable[Step]) -> None:
        """Have the idle consumers of these steps look at once."""
        due = set(steps)
        for lane, consumer in list(self.consumers.items()):
            if lane.step in due:
                consumer.wake()


class _StopClaiming(Middleware):
    """Stops the consumers before the worker threads: what is claimed meanwhile would only be handed back."""

    def __init__(self, broker: RowBroker) -> None:
        self._broker = broker

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        self._broker.draining.set()


class RowConsumer(Consumer):
    """Hands out the claims of one lane, never more than its threads get through in about a quarter of a second.

    `idle_s` is how long it waits at most without a hint, and may be changed while it waits.
    """

    def __init__(self, broker: RowBroker, lane: Lane, *, idle_s: float) -> None:
        self.lane = lane
        self._broker = broker
        self.idle_s = idle_s
        self._share = max(1, round(broker.threads * lane.thread_share))
        self._ready: deque[Claim] = deque()
        self._changed = threading.Condition()
        self._in_hand: dict[str, float] = {}
        self.reserved = 0
        self._mean_s = _AHEAD_S
        self.is_awake = False
        self._look_at = 0.0
        self._wants_room = False
        self._rests_until = 0.0
        self._backlog = Backlog()
        self.claiming = Claiming(
            broker.engine, lane, worker=broker.worker, leases=broker.leases, limiter=broker.limiter
        )
        self.asked_at = time.monotonic()

    def __next__(self) -> MessageProxy | None:
        """Return the next claimed job, or None after a wait in which there was none."""
        self.asked_at = time.monotonic()
        if not self._ready and not self._refill():
            return None
        claim = self._ready.popleft()
        proxy = MessageProxy(message_of(self.lane.queue, claim))
        self._in_hand[proxy.message_id] = time.monotonic()
        return proxy

    def reserve(self, account_id: UUID) -> bool:
        """Set a place aside, unless the threads have enough to do, others wait for it, or the worker is stopping."""
        if self.lane.step is Step.SUBMIT and self._broker.limiter.is_limited:
            return False
        with self._changed:
            places = self._backlog.places(self.ahead(), account_id)
            free = places - len(self._in_hand) - len(self._ready) - self.reserved > 0
            if not free or self._broker.draining.is_set():
                return False
            self.reserved += 1
            return True

    def deliver(self, claim: Claim | None) -> None:
        """Fill a place that was set aside, or give it up. The consumer is woken once for many of them."""
        with self._changed:
            self.reserved -= 1
            if claim is not None:
                self._ready.append(claim)

    def wake_for_delivered(self) -> None:
        """End the present wait where something has been delivered. That says nothing of what else may be due."""
        if self._ready:
            with self._changed:
                self._changed.notify()

    def wake(self) -> None:
        """End the present wait and look at once, or as soon as there is room: something may be due."""
        with self._changed:
            self.is_awake = True
            self._changed.notify()

    def ack(self, message: MessageProxy) -> None:
        """Make room for the next claim. The step has recorded what there is to record."""
        # Without the lock, for which all threads would queue: each of these changes is atomic.
        begun = self._in_hand.pop(message.message_id, None)
        if begun is not None:
            self._learn(time.monotonic() - begun)
        # Only a consumer that waits for room cares, and only once there is enough of it to claim by the dozen.
        if self._wants_room and self.room() > 0:
            with self._changed:
                self._changed.notify()

    nack = ack

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Hand claims back unused; called by Dramatiq with what its threads had not begun when it stopped."""
        self._release([claim_of(message) for message in messages])

    def close(self) -> None:
        """Hand back what was claimed and not handed out."""
        self._release([self._ready.popleft() for _ in range(len(self._ready))])

    def _refill(self) -> bool:
        """Claim as many jobs as there is room for; wait where there is no room or nothing is due."""
        room = self.room()
        if self._broker.draining.is_set() or room <= 0:
            self._wait(self.idle_s, for_room=True)
        elif time.monotonic() >= self._claims_at():
            self._claim(room)
        else:
            self._wait(self._claims_at() - time.monotonic())
        return bool(self._ready)

    def _claim(self, room: int) -> None:
        """Claim due jobs. If none were due, claim again when the next one will be, or on a hint.

        Otherwise a consumer that is fed by handovers would claim in vain each time it had finished them.
        """
        with self._changed:
            self.is_awake = False
        jobs, idle_s = self.claiming.claim(room)
        self._broker.claimed(jobs)
        self._ready.extend(job.claim for job in jobs)
        self._backlog.observe(jobs, room)
        now = time.monotonic()
        self._look_at = 0.0 if jobs else now + min(idle_s, self.idle_s)
        self._rests_until = now + _REST_S if self.lane.is_long and not jobs else 0.0

    def _claims_at(self) -> float:
        """Return when to claim next: at once after a hint, unless the lane is resting."""
        return self._rests_until if self.is_awake else self._look_at

    def room(self) -> int:
        """Return the number of claims to take now: what the threads do in a moment, less what they have."""
        ahead = self.ahead()
        room = ahead - len(self._in_hand) - self.reserved
        # Topping up by single rows would cost a statement each: wait until a good part has been worked off.
        return room if room >= ahead / 2 else 0

    def ahead(self) -> int:
        """Return the number of jobs that the threads get through in a moment."""
        return int(min(_CLAIM_MAX, max(1.0, _AHEAD_S / max(self._mean_s, 1e-4)) * self._share))

    def _learn(self, took_s: float) -> None:
        """Follow how long a claim takes from being handed out to being done, divided among the threads.

        Two threads at once may lose one's observation, which an average survives.
        """
        waiting = max(1.0, len(self._in_hand) / self._share)
        self._mean_s += 0.1 * (took_s / waiting - self._mean_s)

    def _wait(self, at_most_s: float, *, for_room: bool = False) -> None:
        with self._changed:
            self._wants_room = for_room
            # Asked again, because a job may have ended before anyone knew that this consumer wants room.
            is_idle = (
                self.room() <= 0 or self._broker.draining.is_set() if for_room else time.monotonic() < self._claims_at()
            )
            if not self._ready and is_idle:
                self._changed.wait(at_most_s)
            self._wants_room = False

    def _release(self, claims: list[Claim]) -> None:
        if not claims:
            return
        for claim in claims:
            self._broker.take(claim)
        self.claiming.hand_back(claims)
        self._broker.wake([self.lane.step])
