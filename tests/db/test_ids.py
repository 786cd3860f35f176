"""Identifiers: their order is the order of their creation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from db.ids import ids_after, least_id_at, new_id


def test_ids_of_one_thread_are_in_the_order_of_their_creation() -> None:
    """The jobs of a story are created within a millisecond and listed in the order of their ids."""
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_an_id_carries_its_time() -> None:
    before = datetime.now(UTC)
    made = new_id()
    assert (made.version, made.variant) == (7, UUID(int=0x8 << 60).variant)
    assert least_id_at(before) <= made < least_id_at(before + timedelta(minutes=1))


def test_ids_derived_from_one_are_the_same_each_time_and_in_order() -> None:
    first = new_id()
    made = ids_after(first, 200)
    assert made == ids_after(first, 200) == sorted(set(made))
    assert first < made[0]
    assert {each.version for each in made} == {7}
