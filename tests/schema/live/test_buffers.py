"""Subscriber buffers and the order of events, without a server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from db.records.events import JobEvent
from schema.live.buffers import Delivery, FellBehind, ServerClosing, SubscriberBuffer
from schema.live.ordering import in_order
from statemachine.vocabulary import Event, State

JOB, OTHER = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def event(seq: int, job: UUID = JOB, *, tick: bool = False, at_s: float = 0) -> JobEvent:
    """Return an event: a progress tick or a change of state."""
    return JobEvent(
        job_id=job,
        seq=seq,
        at=NOON + timedelta(seconds=at_s),
        from_state=State.GENERATING if tick else State.QUEUED,
        event=Event.STILL_RUNNING if tick else Event.SUBMIT_STARTED,
        to_state=State.GENERATING,
        percent=0,
        actor="worker",
        reason=None,
        attempt=1,
        lease=1,
        duration_ms=0,
        cost_micros=0,
        due_at=None,
        error_code=None,
        error_message=None,
        error_detail=None,
    )


def taken(buffer: SubscriberBuffer) -> list[Delivery]:
    """Take everything that waits."""

    async def drain() -> list[Delivery]:
        found = [await buffer.take()]
        while found[-1].more:
            found.append(await buffer.take())
        return found

    return asyncio.run(drain())


def test_events_are_taken_in_the_order_offered() -> None:
    buffer = SubscriberBuffer({JOB: 1}, size=10, size_max=20)
    for seq in (2, 3, 4):
        buffer.add(event(seq))
    assert [(each.event.seq, each.skipped, each.more) for each in taken(buffer)] == [
        (2, 0, True),
        (3, 0, True),
        (4, 0, False),
    ]


def test_neither_seen_events_nor_events_after_a_gap_are_delivered() -> None:
    buffer = SubscriberBuffer({JOB: 3}, size=10, size_max=20)
    for seq in (2, 3, 5, 4, 4, 6, 5):
        buffer.add(event(seq))
    assert [each.event.seq for each in taken(buffer)] == [4, 5]


def test_only_superseded_ticks_are_conflated_and_they_are_counted() -> None:
    buffer = SubscriberBuffer({JOB: 1}, size=2, size_max=20)
    for seq, tick in ((2, True), (3, True), (4, False), (5, True), (6, True), (7, False)):
        buffer.add(event(seq, tick=tick))
    deliveries = taken(buffer)
    assert [each.event.seq for each in deliveries] == [4, 7]
    assert [each.skipped for each in deliveries] == [4, 0]


def test_a_noted_cancel_is_not_a_tick() -> None:
    buffer = SubscriberBuffer({JOB: 1}, size=1, size_max=20)
    buffer.add(replace(event(2, tick=True), event=Event.CANCEL_REQUESTED))
    buffer.add(event(3))
    assert [(each.event.seq, each.skipped) for each in taken(buffer)] == [(2, 0), (3, 0)]


def test_the_newest_tick_stays() -> None:
    buffer = SubscriberBuffer({JOB: 1}, size=1, size_max=20)
    for seq in range(2, 30):
        buffer.add(event(seq, tick=True))
    assert [(each.event.seq, each.skipped) for each in taken(buffer)] == [(29, 27)]


def test_a_tick_is_not_superseded_by_another_jobs_events() -> None:
    buffer = SubscriberBuffer({JOB: 1, OTHER: 1}, size=1, size_max=20)
    buffer.add(event(2, tick=True))
    buffer.add(event(2, OTHER))
    buffer.add(event(3, OTHER))
    assert [(each.event.job_id, each.event.seq) for each in taken(buffer)] == [(JOB, 2), (OTHER, 2), (OTHER, 3)]


def test_a_state_change_is_never_dropped_but_its_subscriber_may_be() -> None:
    buffer = SubscriberBuffer({JOB: 1}, size=2, size_max=4)
    for seq in range(2, 10):
        buffer.add(event(seq))
    assert [each.event.seq for each in taken(buffer)] == [2, 3, 4, 5, 6]
    with pytest.raises(FellBehind):
        asyncio.run(buffer.take())


def test_waiting_events_are_delivered_before_the_end() -> None:
    buffer = SubscriberBuffer({JOB: 1}, size=2, size_max=4)
    buffer.add(event(2))
    buffer.end(ServerClosing())
    assert [each.event.seq for each in taken(buffer)] == [2]
    with pytest.raises(ServerClosing):
        asyncio.run(buffer.take())


def test_within_a_job_the_sequence_sets_the_order_and_not_the_clock() -> None:
    # The later event's transaction began first and then waited for the row.
    events = [event(3, at_s=1), event(2, at_s=2), event(2, OTHER, at_s=1.5)]
    ordered = in_order(events, {JOB: 1, OTHER: 1})
    assert [(each.job_id, each.seq) for each in ordered if each.job_id == JOB] == [(JOB, 2), (JOB, 3)]
    assert len(ordered) == 3


def test_events_after_a_gap_wait_for_the_next_read() -> None:
    assert [each.seq for each in in_order([event(2), event(4), event(5)], {JOB: 1})] == [2]
