"""Texts of other systems can be stored, whatever characters they contain."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.engine.recording import record
from db.engine.row_changes import AttemptChanged
from db.statements import as_json
from db.text import storable
from statemachine.outcomes import Failure, GenerationFailed, RetryPolicy
from statemachine.vocabulary import ErrorCode, State
from tests.support.factories import claimed, make_job, make_world, move_of

ODD = "it \x00 broke \ud800 badly ünd 🙂"


def test_a_text_that_postgres_can_store_is_unchanged() -> None:
    assert storable(None) is None
    assert storable("plain") == "plain"
    assert storable("ünd 🙂") == "ünd 🙂"


@pytest.mark.parametrize("odd", [ODD, "\x00", "\udfff"])
def test_odd_characters_are_replaced(engine: Engine, odd: str) -> None:
    with engine.connect() as conn:
        kept = conn.scalar(text("SELECT CAST(:given AS text)"), {"given": storable(odd)})
    assert kept == storable(odd)
    assert "\x00" not in kept


def test_rows_are_passed_as_one_json_text_whatever_they_contain(engine: Engine) -> None:
    given = {
        "id": UUID(int=7),
        "at": datetime(2026, 1, 2, tzinfo=UTC),
        "words": ("plain", ODD),
        "odd": ODD,
        "none": None,
    }
    with engine.connect() as conn:
        kept = conn.execute(
            text(
                "SELECT * FROM json_to_recordset(CAST(:rows AS json)) "
                "AS r (id uuid, at timestamptz, words text[], odd text, none text, absent text)"
            ),
            {"rows": as_json([given])},
        ).one()
    assert kept == (given["id"], given["at"], ["plain", storable(ODD)], storable(ODD), None, None)


def test_odd_characters_from_the_provider_do_not_stop_a_move(engine: Engine) -> None:
    """A NUL in a single error text once made Postgres refuse the whole group of moves."""
    with engine.begin() as conn:
        job = claimed(conn, make_job(conn, make_world(conn), State.GENERATING))
        failure = Failure(ErrorCode.PROVIDER_REJECTED, "It failed.", RetryPolicy.NEVER, ODD)
        changed = AttemptChanged(job.id, job.attempt, "failed", error_detail=ODD)
        assert set(record(conn, [move_of(job, GenerationFailed(failure), changed)]).moved) == {job.id}
        assert "broke" in str(conn.scalar(text("SELECT error_detail FROM job_events ORDER BY seq DESC LIMIT 1")))
