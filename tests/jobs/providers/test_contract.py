"""What `Provider` promises holds for the tests' fake as for the real client, so that the fake can not lie.

Each promise of the protocol's docstrings is a test here, run against both.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from jobs.providers.guard import Timeouts
from jobs.providers.provider import NotSent, OutputVanished, ProviderError, Sought
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings
from simulator.serve import Background
from simulator.settings import SimulatorSettings
from simulator.sketch import Sketch
from statemachine.outcomes import Accepted, OutcomeLost, Refused, Rejected, RetryPolicy
from tests.jobs.providers.dealings import (
    VIDEO_MODEL,
    Dealing,
    InMemory,
    Limited,
    OverHttp,
    begun,
    ended,
    error_of,
    submission,
)

LARGE = 50_000_000
ENDS = ("succeeded", "failed", "aborted")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Background]:
    # Stuck predictions stay stuck: the limit of half an hour would be 0.18 s at this speed, which slow machines reach.
    with Background(SimulatorSettings(speed=10_000, canned=True, seed=1, run_limit_s=3.6e7), Sketch()) as running:
        yield running


@pytest.fixture(scope="module")
def over_http(simulator: Background) -> Iterator[OverHttp]:
    settings = ReplicateSettings(
        "r8_test",
        base_url=simulator.api_url,
        delivery_hosts=(simulator.delivery_url.removeprefix("http://"),),
        timeouts=Timeouts(answer_s=5.0),
    )
    # One of each for all tests: reading the trusted certificates takes longer than most of them.
    control = httpx.Client(base_url=f"{simulator.api_url}/_simulator", verify=False)
    with control, closing(ReplicateProvider(settings)) as provider:
        yield OverHttp(provider, control)


@pytest.fixture(params=["fake", "limited", "replicate"])
def dealing(request: pytest.FixtureRequest, over_http: OverHttp) -> Iterator[Dealing]:
    if request.param != "replicate":
        yield Limited() if request.param == "limited" else InMemory()
        return
    yield over_http
    over_http.control.post("/reset").raise_for_status()


def now() -> datetime:
    return datetime.now(UTC)


def just_begun(token: UUID) -> Sought:
    return Sought(token, timedelta(0))


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


# find and listed: what the provider's list knows.


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


# fetch: the output itself.


def test_an_output_is_opened_with_its_type_and_comes_in_chunks(dealing: Dealing) -> None:
    (url,) = ended(dealing, "succeeded").output
    with dealing.provider.fetch(url, most_bytes=LARGE) as (content_type, chunks):
        assert content_type.startswith("image/")
        assert b"".join(chunks)


def test_an_output_that_is_gone_has_vanished(dealing: Dealing) -> None:
    (url,) = ended(dealing, "succeeded").output
    dealing.loses(url)
    with pytest.raises(OutputVanished), dealing.provider.fetch(url, most_bytes=LARGE):
        pass


def test_an_output_beyond_any_real_size_counts_as_vanished(dealing: Dealing) -> None:
    (url,) = ended(dealing, "succeeded").output
    with pytest.raises(OutputVanished), dealing.provider.fetch(url, most_bytes=1) as (_, chunks):
        list(chunks)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/out.png",
        "file:///etc/passwd",
        "https://replicate.delivery.example.com/out.png",
        "https://user@169.254.169.254/latest",
        "https://\0.replicate.delivery/",
        "https://[::1.replicate.delivery/",
        "no address",
        "",
    ],
)
def test_nothing_is_fetched_from_where_no_output_can_be(dealing: Dealing, url: str) -> None:
    with pytest.raises(OutputVanished), dealing.provider.fetch(url, most_bytes=LARGE):
        pass


# What is said of a failure, wherever it comes from.


def test_trouble_says_what_helps_and_is_told_kindly(dealing: Dealing) -> None:
    dealing.has_no_list()
    error = error_of(lambda: dealing.provider.find(just_begun(uuid4())))
    assert isinstance(error, ProviderError)
    assert error.failure.retry_policy in (RetryPolicy.WAIT, RetryPolicy.RETRY)
    assert error.failure.message.endswith(".")
    assert "replicate" not in error.failure.message.lower()
