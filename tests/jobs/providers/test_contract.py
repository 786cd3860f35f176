"""What `Provider` promises holds for the tests' fake as for the real client, so that the fake can not lie.

Each promise of the protocol's docstrings is a test here, run against both.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from jobs.providers.provider import NotSent
from statemachine.outcomes import Accepted, OutcomeLost, Refused, Rejected, RetryPolicy
from tests.jobs.providers.dealings import (
    Dealing,
    begun,
    ended,
    error_of,
    just_begun,
    submission,
)

ENDS = ("succeeded", "failed", "aborted")

# submit: the paid call, made once, and what is known of it.


def test_an_accepted_submission_is_charged_once_and_known_by_its_id(dealing: Dealing) -> None:
    token = uuid4()
    prediction_id = begun(dealing, token=token)
    assert dealing.charges(token) == 1
    assert dealing.provider.get(prediction_id).id == prediction_id


def test_a_submission_whose_answer_was_lost_was_taken_once_and_is_never_repeated(dealing: Dealing) -> None:
    dealing.answers_next("lost")
    lost = submission()
    assert isinstance(dealing.provider.submit(lost), OutcomeLost)
    assert dealing.charges(lost.token) == 1
    assert dealing.provider.find(just_begun(lost.token)) is not None


def test_what_was_refused_costs_nothing_and_may_be_submitted_again(dealing: Dealing) -> None:
    dealing.answers_next("refused")
    refused = submission()
    outcome = dealing.provider.submit(refused)
    assert isinstance(outcome, Refused)
    assert outcome.failure.retry_policy is RetryPolicy.WAIT
    assert (dealing.charges(refused.token), dealing.provider.find(just_begun(refused.token))) == (0, None)
    assert isinstance(dealing.provider.submit(refused), Accepted)


def test_what_was_rejected_costs_nothing_and_will_never_work(dealing: Dealing) -> None:
    rejected = dealing.unacceptable()
    outcome = dealing.provider.submit(rejected)
    assert isinstance(outcome, Rejected)
    assert outcome.failure.retry_policy is RetryPolicy.NEVER
    assert dealing.charges(rejected.token) == 0


def test_the_same_token_submitted_twice_is_paid_for_twice(dealing: Dealing) -> None:
    """Nothing at the provider keeps a client from paying again: that is what the engine is for."""
    token = uuid4()
    assert begun(dealing, token=token) != begun(dealing, token=token)
    assert dealing.charges(token) == 2


def test_the_last_look_holds_a_submission_back_before_anything_is_taken(dealing: Dealing) -> None:
    def hold_back() -> None:
        raise NotSent("it took too long")

    held = submission(final_check=hold_back)
    with pytest.raises(NotSent):
        dealing.provider.submit(held)
    assert dealing.charges(held.token) == 0


def test_the_last_look_is_taken_once_and_ahead_of_the_charge(dealing: Dealing) -> None:
    token = uuid4()
    seen: list[int] = []
    begun(dealing, token=token, final_check=lambda: seen.append(dealing.charges(token)))
    assert seen == [0]


def test_every_call_may_be_made_from_any_thread(dealing: Dealing) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: begun(dealing), range(16)))
        assert {prediction.id for prediction in pool.map(dealing.provider.get, ids)} == set(ids)
    assert len(set(ids)) == 16


# get: how a prediction stands.


def test_an_unknown_prediction_is_trouble_and_not_an_answer(dealing: Dealing) -> None:
    assert "404" in str(error_of(lambda: dealing.provider.get("nosuch")))


def test_what_is_at_work_has_no_output_and_no_error(dealing: Dealing) -> None:
    dealing.runs_into("running")
    prediction = dealing.provider.get(begun(dealing))
    assert prediction.is_running
    assert (prediction.output, prediction.error) == ((), None)


@pytest.mark.parametrize("end", ENDS)
def test_an_end_is_an_end_however_often_it_is_looked_at(dealing: Dealing, end: str) -> None:
    prediction = ended(dealing, end)
    assert prediction.status == end
    assert dealing.provider.get(prediction.id) == prediction


@pytest.mark.parametrize(("end", "charged"), [("succeeded", 7), ("failed", 0), ("aborted", 0)])
def test_only_success_is_charged_has_output_and_tells_no_error(dealing: Dealing, end: str, charged: int) -> None:
    prediction = ended(dealing, end)
    assert prediction.charged(7) == charged
    assert bool(prediction.output) is (end == "succeeded")
    assert bool(prediction.error) is (end == "failed")


# cancel: asked for, and how it is then.


def test_a_cancel_ends_what_is_at_work_and_it_is_charged(dealing: Dealing) -> None:
    dealing.runs_into("running")
    prediction_id = begun(dealing)
    canceled = dealing.provider.cancel(prediction_id)
    assert canceled is not None
    assert (canceled.id, canceled.status) == (prediction_id, "canceled")
    assert dealing.provider.get(prediction_id).status == "canceled"


@pytest.mark.parametrize("end", ENDS)
def test_a_cancel_changes_nothing_about_what_has_ended(dealing: Dealing, end: str) -> None:
    before = ended(dealing, end)
    assert dealing.provider.cancel(before.id) == before
    assert dealing.provider.get(before.id) == before


def test_a_cancel_of_what_is_unknown_is_none(dealing: Dealing) -> None:
    assert dealing.provider.cancel("nosuch") is None


def test_a_cancel_that_does_not_work_is_trouble(dealing: Dealing) -> None:
    dealing.runs_into("running")
    prediction_id = begun(dealing)
    dealing.takes_no_cancel()
    error_of(lambda: dealing.provider.cancel(prediction_id))
    assert dealing.provider.get(prediction_id).is_running
