"""A worker that is killed or frozen amid deliveries loses no message, and each job's messages stay in order."""

from __future__ import annotations

import json
import signal
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import text

from diorama.tuning import Tuning
from statemachine.vocabulary import WebhookEventType
from statemachine.webhooks import WebhookPolicy
from tests.support.eventually import eventually
from tests.support.receiver import Received, Receiver
from tests.support.system import System
from tests.support.tuned import QUICK
from tests.support.webhooks import Hooks, message, without_repetitions

pytestmark = pytest.mark.faults

NETWORKS = {"WEBHOOK_NETWORKS": "127.0.0.0/8"}
PACE = replace(QUICK.webhooks, lease=timedelta(seconds=5), poll_s=0.05, policy=WebhookPolicy(delays_s=(0.1,)))
# Far in the future: no worker moves the jobs of these tests.
_NEVER = text("UPDATE jobs SET due_at = now() + interval '1 day' WHERE id = :id")


class SoonOver(Receiver):
    """Responds badly now and then, as servers do."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        self.next_statuses = [rng.choice([200] * 8 + [500, 302]) for _ in range(200)]


@pytest.fixture
def tuning() -> Tuning:
    # A lease must outlast an attempt, so attempts are short here.
    limits = replace(PACE.limits, connect_s=2.0, total_s=3.0)
    return replace(QUICK, webhooks=replace(PACE, limits=limits))


def by_job(requests: list[Received]) -> dict[str, list[int]]:
    """Return the sequence numbers of each job's messages in order of arrival, each verified."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for each in requests:
        data = message(each)["data"]
        found[data["jobId"]].append(data["seq"])
    return dict(found)


def parked_jobs(hooks: Hooks, count: int) -> list[UUID]:
    """Add queued jobs that no worker moves."""
    made = [hooks.job() for _ in range(count)]
    with hooks.engine.begin() as conn:
        for job_id in made:
            conn.execute(_NEVER, {"id": job_id})
    return made


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_nothing_is_lost_or_overtaken(system: System, tuning: Tuning, number: signal.Signals) -> None:
    rng = Random(7)
    hooks = Hooks(system.engine, system.url)
    with SoonOver(rng) as first, SoonOver(rng) as second:
        endpoints = [hooks.endpoint(each.url) for each in (first, second)]
        jobs = parked_jobs(hooks, 3)
        workers = [system.start_worker(tuning, **NETWORKS) for _ in range(2)]
        for victim in range(4):
            for job_id in jobs:
                hooks.tick(job_id, 10)
            seen = len(first.requests)
            eventually(lambda seen=seen: len(first.requests) > seen)  # type: ignore[misc]
            workers[victim].signal(number)
            workers.append(system.start_worker(tuning, **NETWORKS))
        hooks.wait_until_through(*endpoints)
        for worker in workers[:4]:
            worker.signal(signal.SIGCONT)
        for job_id in jobs:
            hooks.tick(job_id, 20)
        hooks.wait_until_through(*endpoints)
        for receiver in (first, second):
            found = by_job(receiver.requests)
            assert {job: without_repetitions(seqs) for job, seqs in found.items()} == {
                job: list(range(1, 62)) for job in found
            }
            assert len(found) == len(jobs)


def test_a_story_of_the_real_worker_is_announced(system: System) -> None:
    """From the request to the last state, by the program as it is."""
    with Receiver() as receiver:
        hooks = Hooks(system.engine, system.url)
        everything = list(WebhookEventType)
        endpoint_id = hooks.endpoint(receiver.url, *everything, account_id=system.caller.account_id)
        system.start_worker(**NETWORKS)
        system.ask_for_story("story", video=False)
        eventually(lambda: any(b'"story.succeeded"' in each.body for each in receiver.requests), within_s=60.0)
        types = [json.loads(each.body)["type"] for each in receiver.requests]
        assert types[0] == "story.began"
        assert types.count("job.requested") == types.count("job.succeeded") == 2
        assert types[-1] == "story.succeeded"
        assert hooks.read(endpoint_id).failures == 0
