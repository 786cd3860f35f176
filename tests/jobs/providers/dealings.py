"""One way to deal with a provider, whether it is the tests' fake or the real client over HTTP.

A dealing sets the scene (what the next submission comes to), and looks behind it (what was charged). What happens in
between is the provider's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx

from jobs.providers import failures
from jobs.providers.limited import LimitedProvider
from jobs.providers.limiter import NoLimiter
from jobs.providers.provider import Prediction, Provider, ProviderError, Sought, Submission
from jobs.providers.replicate import ReplicateProvider
from statemachine.outcomes import Accepted, Refused, Rejected
from tests.support.eventually import eventually
from tests.support.fakes import FakeProvider, lost_response

MODEL = "openai/gpt-image-2.5-sunburst"
VIDEO_MODEL = "minimax/video-01-live"


def submission(**given: Any) -> Submission:
    """Return a submission that any provider would take, told of nowhere."""
    token = given.pop("token", None) or uuid4()
    usual = {
        "model": MODEL,
        "input": {"prompt": "a figure"},
        "cancel_after": timedelta(minutes=10),
        "webhook": f"http://127.0.0.1:9/told?token={token}",
    }
    return Submission(token=token, **{**usual, **given})


def just_begun(token: UUID) -> Sought:
    """Return the search for a token whose submission has just begun."""
    return Sought(token, timedelta(0))


class Dealing(Protocol):
    """What the contract needs to know of a provider besides its own calls."""

    @property
    def provider(self) -> Provider: ...

    def runs_into(self, end: str) -> None:
        """From now on predictions end as `succeeded`, `failed` or `aborted`, or stay at work as `running`."""

    def answers_next(self, how: str) -> None:
        """The next submission's answer is `lost` after it was taken, or it is `refused` for the moment."""

    def unacceptable(self) -> Submission:
        """Return a submission that is rejected for good."""

    def has_no_list(self) -> None:
        """The list says nothing from now on."""

    def takes_no_cancel(self) -> None:
        """Cancels do not work from now on."""

    def loses(self, url: str) -> None:
        """An output is gone from now on."""

    def charges(self, token: UUID) -> int:
        """How many submissions with this token were taken."""


def begun(dealing: Dealing, **given: Any) -> str:
    """Submit and return the prediction's id."""
    outcome = dealing.provider.submit(submission(**given))
    assert isinstance(outcome, Accepted)
    return outcome.prediction_id


def ended(dealing: Dealing, end: str, **given: Any) -> Prediction:
    """Return a prediction that has come to this end."""
    dealing.runs_into(end)
    prediction_id = begun(dealing, **given)

    def look() -> Prediction | None:
        prediction = dealing.provider.get(prediction_id)
        return None if prediction.is_running else prediction

    found = eventually(look)
    assert found is not None
    return found


@dataclass
class InMemory:
    """The fake."""

    fake: FakeProvider = field(default_factory=FakeProvider)

    @property
    def provider(self) -> Provider:
        return self.fake

    def runs_into(self, end: str) -> None:
        self.fake.ends_as = "processing" if end == "running" else end
        self.fake.error = "Director: unexpected error handling prediction (E9828)" if end == "failed" else None

    def answers_next(self, how: str) -> None:
        refused = Refused(failures.of_status(429, "", None))
        self.fake.responses.append(lost_response(self.fake) if how == "lost" else lambda _: refused)

    def unacceptable(self) -> Submission:
        rejected = Rejected(failures.of_status(422, "", None))
        self.fake.responses.append(lambda _: rejected)
        return submission()

    def has_no_list(self) -> None:
        self.fake.is_listed = False

    def takes_no_cancel(self) -> None:
        self.fake.cancels = False

    def loses(self, url: str) -> None:
        self.fake.gone.add(url)

    def charges(self, token: UUID) -> int:
        return self.fake.charges(token)


class Limited(InMemory):
    """The fake behind the limiter that workers have before the real one."""

    @property
    def provider(self) -> Provider:
        return LimitedProvider(self.fake, NoLimiter())


@dataclass
class OverHttp:
    """The real client, and the control of a simulator that nobody else uses meanwhile."""

    provider: ReplicateProvider
    control: httpx.Client

    def runs_into(self, end: str) -> None:
        self.control.delete("/faults").raise_for_status()
        action = {"failed": "fail", "aborted": "abort", "running": "stick_processing"}.get(end)
        if action is not None:
            self._fault(action)

    def answers_next(self, how: str) -> None:
        action = {"lost": "reset_after_accept", "refused": "throttle"}[how]
        self._fault(action, operation="predictions.create", count=1)

    def unacceptable(self) -> Submission:
        return submission(input={"prompt": 7})

    def has_no_list(self) -> None:
        self._fault("server_error", operation="predictions.list")

    def takes_no_cancel(self) -> None:
        self._fault("server_error", operation="predictions.cancel")

    def loses(self, url: str) -> None:
        self._fault("not_found", listener="delivery", path=urlsplit(url).path)

    def charges(self, token: UUID) -> int:
        bill = self.control.get("/bill").raise_for_status().json()
        return int(bill["by_token"].get(str(token), {"creates": 0})["creates"])

    def _fault(self, action: str, **rule: Any) -> None:
        self.control.post("/faults", json={"action": action, **rule}).raise_for_status()


def error_of(call: Callable[[], Any]) -> ProviderError:
    """Return the error that a call raises."""
    try:
        call()
    except ProviderError as error:
        return error
    raise AssertionError("no provider error")
