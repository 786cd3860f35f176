"""`retryable` says what `retryJob` does: for each kind of job, in each state in which it has ended, with each error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from statemachine.commands import ENDED_BADLY, can_be_retried
from statemachine.vocabulary import TERMINAL, ErrorCode, Event, Kind, State
from tests.schema.documents import make_story, new_key
from tests.support.partners import PARENT_READY, TO_SUCCESS, Move, Partner, move, to_failure

JOB = "query ($id: ID!) { job(id: $id) { state error { code retryable } } }"
RETRY = """
mutation ($id: ID!, $key: String!) {
  retryJob(input: {jobId: $id, idempotencyKey: $key}) { revived userErrors { code message path } }
}
"""


def _endings() -> Iterator[tuple[State, ErrorCode | None]]:
    """Yield every state in which a job has ended, with every error that it may have there."""
    yield State.SUCCEEDED, None
    yield from ((State.FAILED, code) for code in ErrorCode if code is not ErrorCode.CANCELED)
    # A job is canceled by itself or with its parent.
    yield from ((State.CANCELED, code) for code in (ErrorCode.CANCELED, ErrorCode.PARENT_FAILED))


def _end(acme: Partner, story: dict[str, dict[str, str]], kind: Kind, state: State, code: ErrorCode | None) -> str:
    """End the job of a kind in a story whose earlier jobs have succeeded, and return its id."""
    engine, order = acme.server.engine, [Kind.AVATAR, Kind.SCENE, Kind.ANIMATION]
    for earlier in order[: order.index(kind)]:
        move(engine, story[earlier]["id"], *((PARENT_READY,) if earlier is not Kind.AVATAR else ()), *TO_SUCCESS)
    moves = TO_SUCCESS if code is None else _moves_to(state, code)
    job_id = story[kind]["id"]
    move(engine, job_id, *((PARENT_READY,) if kind is not Kind.AVATAR else ()), *moves)
    return job_id


def _moves_to(state: State, code: ErrorCode) -> tuple[Move, ...]:
    moves = to_failure(code)
    if state is State.FAILED:
        return moves
    return (
        replace(moves[0], event=Event.CANCEL_REQUESTED, state=State.COMPENSATING, error=code),
        replace(moves[-1], state=state),
    )


@pytest.mark.parametrize("kind", Kind)
def test_retryable_says_whether_a_retry_is_accepted(acme: Partner, kind: Kind) -> None:
    selfie = acme.asset()
    for state, code in _endings():
        job_id = _end(acme, make_story(acme, selfie), kind, state, code)
        job = acme.ask(JOB, id=job_id)["job"]
        payload = acme.ask(RETRY, id=job_id, key=new_key())["retryJob"]
        assert job["state"] == state.name
        accepted = payload["userErrors"] == []
        assert accepted == (job_id in payload["revived"]) == can_be_retried(state, code), (state, code, payload)
        assert accepted == bool(job["error"] and job["error"]["retryable"]), (state, code)
        if not accepted:
            refusal = "ALREADY_FINISHED" if state is State.SUCCEEDED else "NOT_RETRYABLE"
            assert (payload["userErrors"][0]["code"], payload["userErrors"][0]["path"]) == (refusal, ["input", "jobId"])


def test_the_rule_knows_every_state_that_has_ended() -> None:
    assert {state for state in State if can_be_retried(state, None)} == ENDED_BADLY == TERMINAL - {State.SUCCEEDED}


def test_a_consequence_names_the_way_to_retry_it(acme: Partner) -> None:
    job_id = _end(acme, make_story(acme, acme.asset()), Kind.SCENE, State.FAILED, ErrorCode.ROLLED_BACK)
    [error] = acme.ask(RETRY, id=job_id, key=new_key())["retryJob"]["userErrors"]
    assert "retryStory" in error["message"]
