"""Partners' endpoints in a test's database, the activity they read, and the loop that delivers to them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from standardwebhooks import Webhook

from db.connection import DatabaseSettings, connect_worker
from db.engine.activity import sequence
from db.ids import new_id
from db.records.webhook_endpoints import WebhookEndpoint, add_secret, endpoint_of, insert_endpoint
from jobs.webhooks.delivery import WebhookDelivery
from jobs.webhooks.pace import WebhookPace
from jobs.webhooks.reach import WebhookReach
from schema.cursors import activity_cursor
from statemachine.vocabulary import State, WebhookEventType
from statemachine.webhooks import WebhookPolicy
from tests.support.eventually import eventually
from tests.support.factories import World, make_job, make_world
from tests.support.job_reads import JobReads
from tests.support.receiver import Received

SECRET = "whsec_dGhlIHNlY3JldCBvZiB0aGUgdGVzdHM="
HERE = WebhookReach.of(["127.0.0.0/8"])
QUICK = WebhookPace(poll_s=0.02, policy=WebhookPolicy(delays_s=(0.05,)))
"""A pace that repeats at once."""

_TICK = text("UPDATE jobs SET event = 'postponed', actor = 'worker', seq = seq + 1 WHERE id = :id RETURNING seq")


@dataclass
class Hooks(JobReads):
    """A database with an account, whose jobs move as a test wants."""

    engine: Engine
    url: str
    world: World = field(init=False)

    def __post_init__(self) -> None:
        with self.engine.begin() as conn:
            self.world = make_world(conn)

    @property
    def account_id(self) -> UUID:
        return self.world.owner.account_id

    def endpoint(
        self, url: str, *types: WebhookEventType, secret: str = SECRET, account_id: UUID | None = None
    ) -> UUID:
        """Add an endpoint at the beginning of an account's activity, by default for everything that jobs do."""
        with self.engine.begin() as conn:
            made = insert_endpoint(
                conn,
                account_id or self.account_id,
                url=url,
                description="",
                event_types=types or [each for each in WebhookEventType if each.startswith("job_")],
                position=0,
            )
            add_secret(conn, made.id, secret)
        return made.id

    def read(self, endpoint_id: UUID) -> WebhookEndpoint:
        with self.engine.connect() as conn:
            account_id = self.scalar("SELECT account_id FROM webhook_endpoints WHERE id = :id", id=endpoint_id)
            found = endpoint_of(conn, account_id, endpoint_id)
        assert found is not None
        return found

    def log(self, endpoint_id: UUID) -> list[Any]:
        """Return the delivery log of an endpoint, oldest first."""
        return self.rows("SELECT * FROM webhook_deliveries WHERE endpoint_id = :id ORDER BY id", id=endpoint_id)

    def job(self, state: State = State.QUEUED, **request: Any) -> UUID:
        """Add a job and move it to a state; its events are in the activity."""
        with self.engine.begin() as conn:
            job_id = make_job(conn, self.world, state, **request)
        self.sequence()
        return job_id

    def tick(self, job_id: UUID, times: int = 1) -> None:
        """Let something happen to a queued job, a transaction each time."""
        for _ in range(times):
            with self.engine.begin() as conn:
                conn.execute(_TICK, {"id": job_id})
        self.sequence()

    def sequence(self) -> None:
        """Bring what has happened into the activity."""
        with self.engine.begin() as conn:
            sequence(conn)

    def is_through(self, endpoint_id: UUID) -> bool:
        """Return True if everything in the activity was delivered to an endpoint or passed over."""
        head = self.scalar("SELECT position FROM activity_heads WHERE account_id = :id", id=self.account_id)
        return self.read(endpoint_id).position == int(head)

    def wait_until_through(self, *endpoint_ids: UUID) -> None:
        for each in endpoint_ids:
            eventually(lambda each=each: self.is_through(each))  # type: ignore[misc]

    @contextmanager
    def delivering(
        self, pace: WebhookPace = QUICK, reach: WebhookReach = HERE, name: str = "worker"
    ) -> Iterator[WebhookDelivery]:
        """Deliver for the length of the block."""
        engine = connect_worker(DatabaseSettings(self.url, pool_size=4), name=name)
        delivery = WebhookDelivery(engine, reach, activity_cursor, worker=name, pace=pace)
        try:
            yield delivery
        finally:
            delivery.close()
            engine.dispose()


def message(received: Received, secret: str = SECRET) -> Any:
    """Return a message, verified by the official library."""
    return Webhook(secret).verify(received.body, received.headers)


def seqs(requests: Collection[Received]) -> list[int]:
    """Return the sequence numbers of the messages about jobs, in order of arrival."""
    return [json.loads(each.body)["data"]["seq"] for each in requests]


def without_repetitions(numbers: Collection[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


def limits(**given: float) -> WebhookPace:
    """Return the quick pace with other limits of an attempt."""
    return replace(QUICK, limits=replace(QUICK.limits, **given))  # type: ignore[arg-type]


def lease(seconds: float) -> WebhookPace:
    return replace(QUICK, lease=timedelta(seconds=seconds))


__all__ = ["HERE", "QUICK", "SECRET", "Hooks", "lease", "limits", "message", "new_id", "seqs", "without_repetitions"]
