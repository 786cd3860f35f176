"""What `Provider` promises of its list holds for the tests' fake as for the real client, too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from jobs.providers.provider import ProviderError, Sought
from statemachine.outcomes import RetryPolicy
from tests.jobs.providers.dealings import (
    VIDEO_MODEL,
    Dealing,
    begun,
    ended,
    error_of,
    just_begun,
)


def now() -> datetime:
    return datetime.now(UTC)


def test_a_token_finds_its_own_prediction_and_no_other(dealing: Dealing) -> None:
    token = uuid4()
    begun(dealing)
    wanted = begun(dealing, token=token)
    begun(dealing)
    assert dealing.provider.find(just_begun(token)) == wanted
    assert dealing.provider.find(just_begun(uuid4())) is None


def test_the_address_of_its_picture_finds_a_prediction_that_carries_no_token(dealing: Dealing) -> None:
    """Models for videos have no input that takes a token, and there may be nobody to send webhooks to."""
    address, other = (dealing.provider.upload(f"{name}.jpg", b"a picture", uuid4()) for name in ("mine", "other"))
    video = {"model": VIDEO_MODEL, "webhook": None}
    begun(dealing, **video, input={"prompt": "a walk", "first_frame_image": other})
    wanted = begun(dealing, **video, input={"prompt": "a walk", "first_frame_image": address})
    assert dealing.provider.find(replace(just_begun(uuid4()), picture_url=address)) == wanted
    assert dealing.provider.find(just_begun(uuid4())) is None


def test_a_token_is_found_whatever_its_prediction_came_to(dealing: Dealing) -> None:
    token = uuid4()
    prediction = ended(dealing, "aborted", token=token)
    assert dealing.provider.find(just_begun(token)) == prediction.id


def test_what_was_created_long_after_it_was_begun_is_not_looked_at(dealing: Dealing) -> None:
    token = uuid4()
    begun(dealing, token=token)
    assert dealing.provider.find(Sought(token, timedelta(hours=1))) is None


def test_a_list_that_says_nothing_is_trouble_and_never_absence(dealing: Dealing) -> None:
    token, since = uuid4(), now()
    begun(dealing, token=token)
    dealing.has_no_list()
    error_of(lambda: dealing.provider.find(just_begun(token)))
    error_of(lambda: list(dealing.provider.listed(since)))


def test_the_list_tells_the_newest_first_with_their_tokens_and_times(dealing: Dealing) -> None:
    began = now() - timedelta(seconds=5)
    tokens = [uuid4() for _ in range(3)]
    ids = [begun(dealing, token=token) for token in tokens]
    found = [each for page in dealing.provider.listed(began) for each in page]
    assert [each.prediction.id for each in found] == ids[::-1]
    assert [token in each.tokens for token, each in zip(tokens[::-1], found, strict=True)] == [True] * 3
    assert all(began <= each.created_at <= now() + timedelta(seconds=5) for each in found)


def test_the_list_is_bounded_on_both_sides(dealing: Dealing) -> None:
    begun(dealing)
    hour = timedelta(hours=1)
    for after, before, count in (
        (now() - hour, now() + hour, 1),
        (now() + hour, None, 0),
        (now() - hour, now() - hour, 0),
    ):
        assert sum(len(page) for page in dealing.provider.listed(after, before)) == count


def test_trouble_says_what_helps_and_is_told_kindly(dealing: Dealing) -> None:
    dealing.has_no_list()
    error = error_of(lambda: dealing.provider.find(just_begun(uuid4())))
    assert isinstance(error, ProviderError)
    assert error.failure.retry_policy in (RetryPolicy.WAIT, RetryPolicy.RETRY)
    assert error.failure.message.endswith(".")
    assert "replicate" not in error.failure.message.lower()
