"""One harness for every provider, the tests' fake and the real client over HTTP alike.

A harness arranges the outcome of the next submission and reads what was charged. Everything in between is the
provider's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from jobs.providers import failures
from jobs.providers.limited import LimitedProvider
from jobs.providers.limiter import NoLimiter
from jobs.providers.provider import Prediction, Provider, ProviderError, Sought, Submission
from jobs.providers.replicate import ReplicateProvider
from statemachine.outcomes import Accepted, Refused, Rejected
from tests.support.eventually import eventually
from tests.support.fakes import FakeProvider, lost_response
from tests.support.simulator_control import SimulatorControl

MODEL = "openai/gpt-image-2.5-sunburst"
VIDEO_MODEL = "minimax/video-01-live"


def submission(**given: Any) -> Submission:
    """Return a submission that any provider accepts, with a webhook that reaches no server."""
    token = given.pop("token", None) or uuid4()
    usual = {
        "model": MODEL,
        "input": {"prompt": "a figure"},
        "cancel_after": timedelta(minutes=10),
        "webhook": f"http://127.0.0.1:9/webhook?token={token}",
    }
    return Submission(token=token, **{**usual, **given})


def just_begun(token: UUID) -> Sought:
    """Return the search for a token whose submission has just begun."""
    return Sought(token, timedelta(0))


class ProviderHarness(Protocol):
    """Controls a provider and reads its bill, in addition to the calls of `Provider`."""

    @property
    def provider(self) -> Provider: ...

    def end_predictions_as(self, end: str) -> None:
        """End predictions as `succeeded`, `failed` or `aborted` from now on, or with `running` never end them."""

    def arrange_next_submission(self, how: str) -> None:
        """Lose the response to the next submission after accepting it (`lost`), or refuse it for now (`refused`)."""

    def rejected_submission(self) -> Submission:
        """Return a submission that is rejected for good."""

    def break_list(self) -> None:
        """Fail every read of the list from now on."""

    def break_cancel(self) -> None:
        """Fail every cancel from now on."""

    def remove_output(self, url: str) -> None:
        """Remove an output."""

    def charges(self, token: UUID) -> int:
        """Return the number of accepted submissions with this token."""


def begin(harness: ProviderHarness, **given: Any) -> str:
    """Submit and return the id of the prediction."""
    outcome = harness.provider.submit(submission(**given))
    assert isinstance(outcome, Accepted)
    return outcome.prediction_id


def run_to_end(harness: ProviderHarness, end: str, **given: Any) -> Prediction:
    """Run a prediction to this end and return it."""
    harness.end_predictions_as(end)
    prediction_id = begin(harness, **given)

    def prediction_at_its_end() -> Prediction | None:
        prediction = harness.provider.get(prediction_id)
        return None if prediction.is_running else prediction

    found = eventually(prediction_at_its_end)
    assert found is not None
    return found


@dataclass
class FakeHarness:
    """Controls the fake."""

    fake: FakeProvider = field(default_factory=FakeProvider)

    @property
    def provider(self) -> Provider:
        return self.fake

    def end_predictions_as(self, end: str) -> None:
        self.fake.ends_as = "processing" if end == "running" else end
        self.fake.error = "Director: unexpected error handling prediction (E9828)" if end == "failed" else None

    def arrange_next_submission(self, how: str) -> None:
        refused = Refused(failures.of_status(429, "", None))
        self.fake.responses.append(lost_response(self.fake) if how == "lost" else lambda _: refused)

    def rejected_submission(self) -> Submission:
        rejected = Rejected(failures.of_status(422, "", None))
        self.fake.responses.append(lambda _: rejected)
        return submission()

    def break_list(self) -> None:
        self.fake.is_listed = False

    def break_cancel(self) -> None:
        self.fake.cancels = False

    def remove_output(self, url: str) -> None:
        self.fake.gone.add(url)

    def charges(self, token: UUID) -> int:
        return self.fake.charges(token)


class LimitedHarness(FakeHarness):
    """Controls the fake behind a limiter, as workers use the real one."""

    @property
    def provider(self) -> Provider:
        return LimitedProvider(self.fake, NoLimiter())


@dataclass
class HttpHarness:
    """Controls the real client, through a simulator that no other test uses meanwhile."""

    provider: ReplicateProvider
    control: SimulatorControl

    def end_predictions_as(self, end: str) -> None:
        self.control.calm()
        action = {"failed": "fail", "aborted": "abort", "running": "stick_processing"}.get(end)
        if action is not None:
            self._fault(action)

    def arrange_next_submission(self, how: str) -> None:
        action = {"lost": "reset_after_accept", "refused": "throttle"}[how]
        self._fault(action, operation="predictions.create", count=1)

    def rejected_submission(self) -> Submission:
        return submission(input={"prompt": 7})

    def break_list(self) -> None:
        self._fault("server_error", operation="predictions.list")

    def break_cancel(self) -> None:
        self._fault("server_error", operation="predictions.cancel")

    def remove_output(self, url: str) -> None:
        self._fault("not_found", listener="delivery", path=urlsplit(url).path)

    def charges(self, token: UUID) -> int:
        bill = self.control.bill()
        return int(bill["by_token"].get(str(token), {"creates": 0})["creates"])

    def _fault(self, action: str, **rule: Any) -> None:
        self.control.fault(action, **rule)


def error_of(call: Callable[[], Any]) -> ProviderError:
    """Return the error that a call raises."""
    try:
        call()
    except ProviderError as error:
        return error
    raise AssertionError("no provider error")
