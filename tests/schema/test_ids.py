"""Ids and cursors that we issue can be read back, and nothing else is accepted."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.ids import new_id
from db.records.jobs import JobOrder
from schema.cursors import (
    MalformedCursor,
    job_cursor,
    page_cursor,
    read_job_cursor,
    read_page_cursor,
    read_story_cursor,
    story_cursor,
)
from schema.ids import IdKind, MalformedId, decode_any, decode_id, encode_id

seqs = st.integers(0, 2**31 - 1)


@given(st.sampled_from(IdKind), st.uuids())
def test_an_id_can_be_read_back(kind: IdKind, value: UUID) -> None:
    assert decode_any(encode_id(kind, value)) == (kind, value)
    assert decode_id(encode_id(kind, value), kind) == value


@given(st.text())
def test_no_other_text_is_an_id(text: str) -> None:
    with pytest.raises(MalformedId):
        decode_any(text)


@pytest.mark.parametrize("rest", ["8" + "0" * 25, "0" * 25, "0" * 27, "0" * 25 + "U", "0" * 25 + "u", "0" * 25 + "٣"])
def test_an_object_has_only_one_id(rest: str) -> None:
    with pytest.raises(MalformedId):
        decode_id(f"job_{rest}", IdKind.JOB)


def test_ids_are_in_order_of_creation() -> None:
    made = [new_id() for _ in range(50)]
    assert sorted(encode_id(IdKind.JOB, each) for each in made) == [
        encode_id(IdKind.JOB, each) for each in sorted(made)
    ]


@given(st.uuids(), seqs)
def test_a_jobs_cursor_can_be_read_back(job_id: UUID, seq: int) -> None:
    assert read_job_cursor(job_cursor(job_id, seq), job_id) == seq


@given(st.uuids(), st.dictionaries(st.uuids(), seqs, max_size=4))
def test_a_storys_cursor_can_be_read_back(story_id: UUID, seen: dict[UUID, int]) -> None:
    assert read_story_cursor(story_cursor(story_id, seen), story_id) == seen


@given(st.uuids(), st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001 - hypothesis adds the zone
def test_a_pages_cursor_can_be_read_back(row_id: UUID, moment: datetime) -> None:
    key = (moment.replace(tzinfo=UTC), row_id)
    order = JobOrder.RECENTLY_FINISHED
    assert read_page_cursor(order, page_cursor(order, key)) == key
    assert read_page_cursor(JobOrder.OLDEST, page_cursor(JobOrder.NEWEST, (row_id,))) == (row_id,)


@given(st.text())
def test_no_other_text_is_a_cursor(text: str) -> None:
    for read in (
        lambda: read_job_cursor(text, UUID(int=1)),
        lambda: read_story_cursor(text, UUID(int=1)),
        lambda: read_page_cursor(JobOrder.NEWEST, text),
    ):
        with pytest.raises(MalformedCursor):
            read()


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_mangled_cursor_is_malformed(place: int, change: int) -> None:
    cursor = job_cursor(UUID(int=7), 3)
    place %= len(cursor)
    mangled = cursor[:place] + chr((ord(cursor[place]) + change) % 128) + cursor[place + 1 :]
    if mangled != cursor:
        with pytest.raises(MalformedCursor):
            read_job_cursor(mangled, UUID(int=7))
