"""The tests' fake and the real client fulfil the same promises about the provider's list."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from jobs.providers.provider import ProviderError, Sought
from statemachine.outcomes import RetryPolicy
from tests.jobs.providers.harness import (
    VIDEO_MODEL,
    ProviderHarness,
    begin,
    error_of,
    just_begun,
    run_to_end,
)


def now() -> datetime:
    return datetime.now(UTC)


def test_a_token_finds_its_own_prediction_and_no_other(harness: ProviderHarness) -> None:
    token = uuid4()
    begin(harness)
    wanted = begin(harness, token=token)
    begin(harness)
    assert harness.provider.find(just_begun(token)) == wanted
    assert harness.provider.find(just_begun(uuid4())) is None


def test_the_address_of_its_picture_finds_a_prediction_that_carries_no_token(harness: ProviderHarness) -> None:
    """Video models have no input for a token, and webhooks may be off."""
    address, other = (harness.provider.upload(f"{name}.jpg", b"a picture", uuid4()) for name in ("mine", "other"))
    video = {"model": VIDEO_MODEL, "webhook": None}
    begin(harness, **video, input={"prompt": "a walk", "first_frame_image": other})
    wanted = begin(harness, **video, input={"prompt": "a walk", "first_frame_image": address})
    assert harness.provider.find(replace(just_begun(uuid4()), picture_url=address)) == wanted
    assert harness.provider.find(just_begun(uuid4())) is None


def test_a_token_is_found_whatever_the_end_of_its_prediction(harness: ProviderHarness) -> None:
    token = uuid4()
    prediction = run_to_end(harness, "aborted", token=token)
    assert harness.provider.find(just_begun(token)) == prediction.id


def test_predictions_created_long_after_the_submission_are_not_searched(harness: ProviderHarness) -> None:
    token = uuid4()
    begin(harness, token=token)
    assert harness.provider.find(Sought(token, timedelta(hours=1))) is None


def test_a_failed_list_raises_a_provider_error_and_proves_no_absence(harness: ProviderHarness) -> None:
    token, since = uuid4(), now()
    begin(harness, token=token)
    harness.break_list()
    error_of(lambda: harness.provider.find(just_begun(token)))
    error_of(lambda: list(harness.provider.listed(since)))


def test_the_list_shows_the_newest_first_with_tokens_and_times(harness: ProviderHarness) -> None:
    began = now() - timedelta(seconds=5)
    tokens = [uuid4() for _ in range(3)]
    ids = [begin(harness, token=token) for token in tokens]
    found = [each for page in harness.provider.listed(began) for each in page]
    assert [each.prediction.id for each in found] == ids[::-1]
    assert [token in each.tokens for token, each in zip(tokens[::-1], found, strict=True)] == [True] * 3
    assert all(began <= each.created_at <= now() + timedelta(seconds=5) for each in found)


def test_the_list_is_bounded_on_both_sides(harness: ProviderHarness) -> None:
    begin(harness)
    hour = timedelta(hours=1)
    for after, before, count in (
        (now() - hour, now() + hour, 1),
        (now() + hour, None, 0),
        (now() - hour, now() - hour, 0),
    ):
        assert sum(len(page) for page in harness.provider.listed(after, before)) == count


def test_a_provider_error_has_a_retry_policy_and_a_polite_message(harness: ProviderHarness) -> None:
    harness.break_list()
    error = error_of(lambda: harness.provider.find(just_begun(uuid4())))
    assert isinstance(error, ProviderError)
    assert error.failure.retry_policy in (RetryPolicy.WAIT, RetryPolicy.RETRY)
    assert error.failure.message.endswith(".")
    assert "replicate" not in error.failure.message.lower()
