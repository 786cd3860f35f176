"""A job gives the reason why it waits, in every state in which it can wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from schema.ids import IdKind, decode_id
from schema.types.enums import WaitKind
from statemachine.steps import FINISHING_STATES
from statemachine.vocabulary import TERMINAL, Event, State
from tests.schema.documents import CANCEL_JOB, make_avatar, make_story
from tests.support.partners import REDRIVEN, TO_FAILURE, TO_SUCCESS, Move, Partner, move

WAITING = "query ($id: ID!) { job(id: $id) { state waitingBecause { kind until message } } }"
SUBMITTED, GENERATING = TO_SUCCESS[:1], TO_SUCCESS[:2]
LATER = 300.0

# The moves that lead a queued job to where it waits, and the reason that it gives until it is due.
LATER_BECAUSE: dict[str, tuple[tuple[Move, ...], str]] = {
    "a transient failure of a submission": (
        (*SUBMITTED, Move(Event.REFUSED, State.QUEUED, due_in_s=LATER, error="provider_timeout")),
        "BACK_OFF",
    ),
    "the provider is busy or away": (
        (*SUBMITTED, Move(Event.REFUSED, State.QUEUED, due_in_s=LATER, error="provider_unavailable")),
        "PROVIDER_UNAVAILABLE",
    ),
    "our account at the provider": (
        (*SUBMITTED, Move(Event.REFUSED, State.QUEUED, due_in_s=LATER, error="provider_account")),
        "OPERATOR",
    ),
    "a failed prediction": (
        (*GENERATING, Move(Event.GENERATION_FAILED, State.QUEUED, due_in_s=LATER, error="provider_unavailable")),
        "BACK_OFF",
    ),
    "a redrive at a rate": ((*TO_FAILURE, Move(Event.REDRIVEN, State.QUEUED, due_in_s=LATER)), "QUEUE"),
    "a lost submission": (
        (*SUBMITTED, Move(Event.OUTCOME_LOST, State.RECONCILING, due_in_s=LATER)),
        "RECONCILING",
    ),
    "the provider at work": (
        (*SUBMITTED, Move(Event.ACCEPTED, State.GENERATING, due_in_s=LATER)),
        "PROVIDER",
    ),
    "a poll without a response": (
        (*GENERATING, Move(Event.POSTPONED, State.GENERATING, due_in_s=LATER, error="provider_unavailable")),
        "PROVIDER_UNAVAILABLE",
    ),
    "a poll that our account may not make": (
        (*GENERATING, Move(Event.POSTPONED, State.GENERATING, due_in_s=LATER, error="provider_account")),
        "OPERATOR",
    ),
    "our own storage, before copying": (
        (*TO_SUCCESS[:5], Move(Event.POSTPONED, State.STORING, due_in_s=LATER, error="internal")),
        "BACK_OFF",
    ),
    "our own storage, before finishing": (
        (*TO_SUCCESS[:-1], Move(Event.POSTPONED, State.TRANSCODING, due_in_s=LATER, error="internal")),
        "BACK_OFF",
    ),
    "an action that could not be undone yet": (
        (
            *GENERATING,
            Move(Event.GENERATION_FAILED, State.COMPENSATING, error="provider_account"),
            Move(Event.POSTPONED, State.COMPENSATING, due_in_s=LATER, error="provider_account"),
        ),
        "BACK_OFF",
    ),
}
DUE: dict[State, tuple[Move, ...]] = {
    State.QUEUED: (),
    State.RECONCILING: (*SUBMITTED, Move(Event.OUTCOME_LOST, State.RECONCILING)),
    State.GENERATING: GENERATING,
    **{each.state: TO_SUCCESS[: at + 1] for at, each in enumerate(TO_SUCCESS) if each.state in FINISHING_STATES},
    State.COMPENSATING: TO_FAILURE[:3],
}


def because(caller: Partner, job_id: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = caller.ask(WAITING, id=job_id)["job"]["waitingBecause"]
    return found


def kind(caller: Partner, job_id: str) -> str | None:
    found = because(caller, job_id)
    return None if found is None else found["kind"]


def change(caller: Partner, job_id: str, assignments: str) -> None:
    """Change a job's row without moving it."""
    with caller.server.engine.begin() as conn:
        conn.execute(text(f"UPDATE jobs SET {assignments} WHERE id = :id"), {"id": decode_id(job_id, IdKind.JOB)})


@pytest.mark.parametrize("reason", LATER_BECAUSE)
def test_a_job_due_later_gives_the_reason_and_the_time(acme: Partner, reason: str) -> None:
    moves, expected = LATER_BECAUSE[reason]
    job_id = make_avatar(acme, acme.asset())
    move(acme.server.engine, job_id, *moves)
    found = because(acme, job_id)
    assert found is not None
    assert found["kind"] == expected
    left = datetime.fromisoformat(found["until"]) - datetime.now(UTC)
    assert timedelta(seconds=LATER - 60) < left < timedelta(seconds=LATER + 1)
    assert "provider" not in found["message"] or expected in ("PROVIDER", "RECONCILING")


@pytest.mark.parametrize("state", DUE)
def test_a_due_job_waits_in_the_queue(acme: Partner, state: State) -> None:
    job_id = make_avatar(acme, acme.asset())
    move(acme.server.engine, job_id, *DUE[state])
    assert kind(acme, job_id) == "QUEUE"


def test_a_child_waits_for_its_parent(acme: Partner) -> None:
    assert kind(acme, make_story(acme, acme.asset())["scene"]["id"]) == "PARENT"


def test_a_claimed_job_does_not_wait_until_its_lease_expires(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    move(acme.server.engine, job_id, *SUBMITTED)
    change(acme, job_id, "claimed_by = 'w', lease_expires_at = now() + interval '1 minute'")
    assert because(acme, job_id) is None
    acme.ask(CANCEL_JOB, id=job_id)
    assert because(acme, job_id) is None, "its response is on the way"
    change(acme, job_id, "lease_expires_at = now() - interval '1 second'")
    found = because(acme, job_id)
    assert found is not None
    assert (found["kind"], "another one takes over" in found["message"]) == ("QUEUE", True)


def test_jobs_beyond_an_accounts_limit_wait_for_it(acme: Partner) -> None:
    """The account's own limit is the reason, not another account's turn: support sets it with `diorama limit`."""
    at_provider, waits = make_avatar(acme, acme.asset()), make_avatar(acme, acme.asset())
    move(acme.server.engine, at_provider, *GENERATING)
    account = {"account": acme.principal.account_id}
    others = "SELECT count(*) FROM jobs WHERE account_id = :account "
    others += "AND state IN ('submitting', 'reconciling', 'generating')"
    with acme.server.engine.begin() as conn:
        busy = int(conn.scalar(text(others), account) or 0)
        conn.execute(text("UPDATE accounts SET jobs_at_once = :busy WHERE id = :account"), {**account, "busy": busy})
    try:
        assert kind(acme, waits) == "ACCOUNT_LIMIT"
        assert kind(acme, at_provider) == "QUEUE", "the limit does not delay a job that is already there"
        with acme.server.engine.begin() as conn:
            conn.execute(text("UPDATE accounts SET jobs_at_once = jobs_at_once + 1 WHERE id = :account"), account)
        assert kind(acme, waits) == "QUEUE"
        change(acme, waits, "claimed_by = 'w', lease_expires_at = now() + interval '1 minute'")
        third = make_avatar(acme, acme.asset())
        assert kind(acme, third) == "ACCOUNT_LIMIT", "a claimed job is on its way there"
    finally:
        with acme.server.engine.begin() as conn:
            conn.execute(text("UPDATE accounts SET jobs_at_once = NULL WHERE id = :account"), account)


@pytest.mark.parametrize("end", [TO_SUCCESS, TO_FAILURE], ids=["succeeded", "failed"])
def test_a_job_that_has_ended_waits_for_nothing(acme: Partner, end: tuple[Move, ...]) -> None:
    job_id = make_avatar(acme, acme.asset())
    move(acme.server.engine, job_id, *end)
    assert because(acme, job_id) is None
    if end is TO_FAILURE:
        move(acme.server.engine, job_id, REDRIVEN)
        assert kind(acme, job_id) == "QUEUE"


def test_every_reason_and_every_state_has_a_test() -> None:
    """A paused step is tested in `test_support.py`, and a spent budget in `test_limited_submissions.py`."""
    elsewhere = {"PARENT", "ACCOUNT_LIMIT", "PAUSED", "QUEUE", "PROVIDER_BUDGET"}
    assert {expected for _, expected in LATER_BECAUSE.values()} | elsewhere == {each.name for each in WaitKind}
    assert {*DUE, State.WAITING, State.SUBMITTING} == set(State) - TERMINAL
