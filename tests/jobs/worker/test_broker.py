"""The broker reserves places, fills them, gives them up and returns claims, and never miscounts."""

from __future__ import annotations

from math import inf
from uuid import uuid4

import pytest
from dramatiq import Message, MessageProxy
from dramatiq.middleware import Pipelines, Retries, TimeLimit
from dramatiq.results import Results
from sqlalchemy import Engine, text

from db.connection import DatabaseSettings, connect_worker
from db.engine.claims import Claim, ClaimedJob
from jobs.engine.lease_times import Leases
from jobs.worker.broker import RowBroker, RowConsumer
from jobs.worker.messages import claim_of
from statemachine.steps import lane_of
from statemachine.vocabulary import Kind, State, Step
from tests.support.cuts import cut_connection
from tests.support.factories import World, claimed, make_job

PICTURES = lane_of(Step.STORE, Kind.AVATAR)
ACCOUNT = uuid4()


@pytest.fixture
def broker(engine: Engine) -> RowBroker:
    return RowBroker(engine, worker="w", threads=4, leases=Leases())


@pytest.fixture
def consumer(broker: RowBroker) -> RowConsumer:
    """Return the consumer of the store step, which may use two of four threads."""
    return broker.consume(Step.STORE, timeout=1)


def a_claimed_job(engine: Engine, world: World) -> ClaimedJob:
    with engine.begin() as conn:
        return claimed(conn, make_job(conn, world, State.STORING))


def next_of(consumer: RowConsumer) -> MessageProxy:
    message = next(consumer)
    assert message is not None
    return message


def claims(engine: Engine) -> int:
    with engine.connect() as conn:
        return int(conn.scalar(text("SELECT count(*) FROM jobs WHERE claimed_by IS NOT NULL")) or 0)


def test_the_number_of_places_follows_the_threads_of_the_step(broker: RowBroker, consumer: RowConsumer) -> None:
    assert [broker.reserve(PICTURES, ACCOUNT) is not None for _ in range(3)] == [True, True, False]


def test_a_place_that_stays_empty_is_free_again(broker: RowBroker, consumer: RowConsumer) -> None:
    for _ in range(10):
        assert broker.reserve(PICTURES, ACCOUNT) is not None
        broker.deliver(PICTURES, None)
    assert consumer.reserved == 0


def test_a_delivered_job_is_handed_out_and_frees_its_place_once_done(
    engine: Engine, world: World, broker: RowBroker, consumer: RowConsumer
) -> None:
    job = a_claimed_job(engine, world)
    assert broker.reserve(PICTURES, ACCOUNT) is not None
    broker.deliver(PICTURES, job)
    message = next_of(consumer)
    assert claim_of(message) == job.claim
    assert broker.take(job.claim) == job
    assert consumer.room() == 1
    consumer.ack(message)
    assert consumer.room() == consumer.ahead() == 2


def test_a_consumer_that_is_given_jobs_does_not_query_for_more(
    engine: Engine, world: World, broker: RowBroker, consumer: RowConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries: list[int] = []

    def find_none(room: int) -> tuple[list[ClaimedJob], float]:
        queries.append(room)
        return [], inf

    monkeypatch.setattr(consumer.claiming, "claim", find_none)
    consumer.idle_s = 60.0
    assert next(consumer) is None
    for _ in range(3):
        assert broker.reserve(PICTURES, ACCOUNT) is not None
        broker.deliver(PICTURES, a_claimed_job(engine, world))
        consumer.ack(next_of(consumer))
    assert len(queries) == 1
    consumer.wake()
    assert next(consumer) is None
    assert len(queries) == 2, "a hint makes it query at once"


def test_a_step_without_a_consumer_has_no_place(broker: RowBroker) -> None:
    assert broker.reserve(lane_of(Step.TRANSCODE, Kind.AVATAR), ACCOUNT) is None


def test_a_stopping_worker_reserves_no_place_and_claims_no_job(
    engine: Engine, world: World, broker: RowBroker, consumer: RowConsumer
) -> None:
    with engine.begin() as conn:
        make_job(conn, world, State.STORING)
    broker.draining.set()
    assert broker.reserve(PICTURES, ACCOUNT) is None
    assert next(consumer) is None
    assert claims(engine) == 0


def test_a_job_that_arrives_after_the_consumer_closed_is_returned(
    engine: Engine, world: World, broker: RowBroker, consumer: RowConsumer
) -> None:
    """A place was reserved, the worker began to stop, and then the move was recorded."""
    assert broker.reserve(PICTURES, ACCOUNT) is not None
    broker.draining.set()
    consumer.close()
    broker.deliver(PICTURES, a_claimed_job(engine, world))
    assert claims(engine) == 1
    broker.release_all()
    assert claims(engine) == 0


def test_a_consumer_that_dramatiq_restarts_keeps_its_places(
    engine: Engine, world: World, broker: RowBroker, consumer: RowConsumer
) -> None:
    """A second consumer would be given the job of a place reserved with the first, and count below zero."""
    assert broker.reserve(PICTURES, ACCOUNT) is not None
    again = broker.consume(Step.STORE, timeout=1)
    broker.deliver(PICTURES, a_claimed_job(engine, world))
    assert again is consumer
    assert again.reserved == 0
    assert next_of(again).actor_name == Step.STORE


def test_claims_that_dramatiq_requeues_are_returned_uncounted(
    engine: Engine, world: World, broker: RowBroker, consumer: RowConsumer
) -> None:
    with engine.begin() as conn:
        make_job(conn, world, State.STORING)
    consumer.requeue([next_of(consumer)])
    with engine.connect() as conn:
        assert tuple(conn.execute(text("SELECT claims, claimed_by FROM jobs")).one()) == (0, None)


def test_a_claim_survives_a_cut_connection(database_url: str, engine: Engine, world: World) -> None:
    with engine.begin() as conn:
        make_job(conn, world, State.STORING)
    own = connect_worker(DatabaseSettings(database_url, pool_size=2), name="own")
    with own.connect() as conn:
        cut_connection(conn.connection.driver_connection)
    consumer = RowBroker(own, worker="w", threads=4, leases=Leases()).consume(Step.STORE, timeout=1)
    assert next(consumer) is not None
    own.dispose()


def test_an_unreachable_database_is_not_an_error_of_the_consumer() -> None:
    """Dramatiq would restart it after three seconds; it tries again by itself after one."""
    nowhere = connect_worker(DatabaseSettings("postgresql://none@127.0.0.1:1/nowhere"), name="nowhere")
    consumer = RowBroker(nowhere, worker="w", threads=4, leases=Leases()).consume(Step.STORE, timeout=1)
    assert next(consumer) is None
    consumer.requeue([])
    assert consumer.reserve(ACCOUNT)
    consumer.deliver(Claim(job_id=uuid4(), lease=1))
    consumer.close()


def test_messages_cannot_be_sent_delayed_or_retried_beside_the_row(broker: RowBroker) -> None:
    """Two stores of due times would come to disagree, so the row is the only one."""
    with pytest.raises(TypeError, match="cannot be sent"):
        broker.enqueue(Message(queue_name="poll", actor_name="poll", args=("id", 1), kwargs={}, options={}), delay=5)
    assert not [each for each in broker.middleware if isinstance(each, Retries | Pipelines | Results | TimeLimit)]
    assert not broker.delay_queues
