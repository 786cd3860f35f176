"""The tests' fake and the real client fulfil the same promises of `Provider`, so the fake cannot mislead.

Each promise of the protocol's docstrings is a test here, run against both.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from jobs.providers.provider import NotSent
from statemachine.outcomes import Accepted, OutcomeLost, Refused, Rejected, RetryPolicy
from tests.jobs.providers.harness import (
    HttpHarness,
    ProviderHarness,
    begin,
    error_of,
    just_begun,
    run_to_end,
    submission,
)

ENDS = ("succeeded", "failed", "aborted")

# submit: makes the paid call once, and returns what is known of it.


def test_an_accepted_submission_is_charged_once_and_found_by_its_id(harness: ProviderHarness) -> None:
    token = uuid4()
    prediction_id = begin(harness, token=token)
    assert harness.charges(token) == 1
    assert harness.provider.get(prediction_id).id == prediction_id


def test_a_submission_with_a_lost_response_is_never_repeated(harness: ProviderHarness) -> None:
    harness.arrange_next_submission("lost")
    lost = submission()
    assert isinstance(harness.provider.submit(lost), OutcomeLost)
    assert harness.charges(lost.token) == 1
    assert harness.provider.find(just_begun(lost.token)) is not None


def test_a_refused_submission_costs_nothing_and_may_be_repeated(harness: ProviderHarness) -> None:
    harness.arrange_next_submission("refused")
    refused = submission()
    outcome = harness.provider.submit(refused)
    assert isinstance(outcome, Refused)
    assert outcome.failure.retry_policy is RetryPolicy.WAIT
    assert (harness.charges(refused.token), harness.provider.find(just_begun(refused.token))) == (0, None)
    assert isinstance(harness.provider.submit(refused), Accepted)


def test_a_rejected_submission_costs_nothing_and_is_not_retried(harness: ProviderHarness) -> None:
    rejected = harness.rejected_submission()
    outcome = harness.provider.submit(rejected)
    assert isinstance(outcome, Rejected)
    assert outcome.failure.retry_policy is RetryPolicy.NEVER
    assert harness.charges(rejected.token) == 0


def test_the_same_token_submitted_twice_is_paid_for_twice(harness: ProviderHarness) -> None:
    """The provider does not keep a client from paying again: the engine does."""
    token = uuid4()
    assert begin(harness, token=token) != begin(harness, token=token)
    assert harness.charges(token) == 2


def test_the_final_check_can_stop_a_submission_before_it_is_charged(harness: ProviderHarness) -> None:
    def stop() -> None:
        raise NotSent("it took too long")

    stopped = submission(final_check=stop)
    with pytest.raises(NotSent):
        harness.provider.submit(stopped)
    assert harness.charges(stopped.token) == 0


def test_the_final_check_runs_once_and_before_the_charge(harness: ProviderHarness) -> None:
    token = uuid4()
    seen: list[int] = []
    begin(harness, token=token, final_check=lambda: seen.append(harness.charges(token)))
    assert seen == [0]


def test_every_call_may_be_made_from_any_thread(harness: ProviderHarness) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: begin(harness), range(16)))
        assert {prediction.id for prediction in pool.map(harness.provider.get, ids)} == set(ids)
    assert len(set(ids)) == 16


# get: returns a prediction as it is now.


def test_an_unknown_prediction_raises_a_provider_error(harness: ProviderHarness) -> None:
    assert "404" in str(error_of(lambda: harness.provider.get("nosuch")))


def test_a_running_prediction_has_no_output_and_no_error(harness: ProviderHarness) -> None:
    harness.end_predictions_as("running")
    prediction = harness.provider.get(begin(harness))
    assert prediction.is_running
    assert (prediction.output, prediction.error) == ((), None)


@pytest.mark.parametrize("end", ENDS)
def test_an_ended_prediction_stays_the_same_however_often_it_is_read(harness: ProviderHarness, end: str) -> None:
    prediction = run_to_end(harness, end)
    assert prediction.status == end
    assert harness.provider.get(prediction.id) == prediction


@pytest.mark.parametrize(("end", "charged"), [("succeeded", 7), ("failed", 0), ("aborted", 0)])
def test_only_a_success_is_charged_and_has_output_without_an_error(
    harness: ProviderHarness, end: str, charged: int
) -> None:
    prediction = run_to_end(harness, end)
    assert prediction.charged(7) == charged
    assert bool(prediction.output) is (end == "succeeded")
    assert bool(prediction.error) is (end == "failed")


# cancel: requests the end of a prediction, and returns it as it is then.


def test_a_cancel_ends_a_running_prediction(harness: ProviderHarness) -> None:
    harness.end_predictions_as("running")
    prediction_id = begin(harness)
    canceled = harness.provider.cancel(prediction_id)
    assert canceled is not None
    assert (canceled.id, canceled.status) == (prediction_id, "canceled")
    assert harness.provider.get(prediction_id).status == "canceled"


@pytest.mark.parametrize("end", ENDS)
def test_a_cancel_does_not_change_an_ended_prediction(harness: ProviderHarness, end: str) -> None:
    before = run_to_end(harness, end)
    assert harness.provider.cancel(before.id) == before
    assert harness.provider.get(before.id) == before


def test_a_cancel_of_an_unknown_prediction_returns_none(harness: ProviderHarness) -> None:
    assert harness.provider.cancel("nosuch") is None


def test_a_failed_cancel_raises_a_provider_error(harness: ProviderHarness) -> None:
    harness.end_predictions_as("running")
    prediction_id = begin(harness)
    harness.break_cancel()
    error_of(lambda: harness.provider.cancel(prediction_id))
    assert harness.provider.get(prediction_id).is_running


def test_an_uploaded_picture_can_be_removed_twice(harness: ProviderHarness) -> None:
    address = harness.provider.upload("mine.jpg", b"a picture", uuid4())
    harness.provider.remove(address)
    harness.provider.remove(address)


def test_a_removed_picture_is_gone(over_http: HttpHarness) -> None:
    address = over_http.provider.upload("mine.jpg", b"a picture", uuid4())
    token = {"Authorization": "Bearer r8_test"}
    assert httpx.get(address, headers=token).status_code == 200
    over_http.provider.remove(address)
    assert httpx.get(address, headers=token).status_code == 404
