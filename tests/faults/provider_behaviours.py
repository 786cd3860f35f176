"""The behaviours of the provider: its response to the next submission, and the end of its predictions."""

from __future__ import annotations

from collections.abc import Callable

from jobs.providers.failures import of_status
from jobs.providers.provider import Submission
from statemachine.outcomes import Accepted, OutcomeLost, Refused, Rejected
from tests.faults.lab import Lab
from tests.faults.webhooks import messages_of
from tests.support.fakes import Submitted, lost_response

Behaviour = Callable[[Lab], None]


def refuses_next(lab: Lab) -> None:
    """Refuse the next submission for now."""
    lab.provider.responses.append(lambda _: Refused(of_status(429, "slow down", 1.0)))


def rejects_next(lab: Lab) -> None:
    """Reject the next submission for good."""
    lab.provider.responses.append(lambda _: Rejected(of_status(422, "no", None)))


def misses_next(lab: Lab) -> None:
    """Never receive the next submission."""
    lab.provider.responses.append(lambda _: OutcomeLost("ConnectionResetError after sending"))


def loses_next_response(lab: Lab) -> None:
    """Accept the next submission, and lose the response."""
    lab.provider.responses.append(lost_response(lab.provider))


def sends_webhooks_before_next_response(lab: Lab) -> None:
    """Send the webhooks of the next submission before its response."""
    lab.provider.responses.append(lambda submission: _accept_with_webhooks(lab, submission))


def sends_webhooks_instead_of_next_response(lab: Lab) -> None:
    """Send the webhooks of the next submission, and lose its response."""

    def respond(submission: Submission) -> Submitted:
        _accept_with_webhooks(lab, submission)
        return OutcomeLost("ReadTimeout after sending")

    lab.provider.responses.append(respond)


def _accept_with_webhooks(lab: Lab, submission: Submission) -> Submitted:
    prediction_id = lab.provider.take(submission)
    lab.provider.get(prediction_id)
    for message in messages_of(lab.provider, prediction_id):
        message.deliver(lab.engine)
    return Accepted(prediction_id, 0.0)


def removes_outputs(lab: Lab) -> None:
    """Remove all outputs, as the provider does after an hour."""
    lab.provider.gone.update(f"memory://{id_}/out.png" for id_ in lab.provider.booked)


def list_fails(lab: Lab) -> None:
    """Make the list unreachable."""
    lab.provider.is_listed = False


def list_works(lab: Lab) -> None:
    """Make the list reachable again."""
    lab.provider.is_listed = True


def refuses_cancels(lab: Lab) -> None:
    """Refuse every cancel."""
    lab.provider.cancels = False


def predictions_hang(lab: Lab) -> None:
    """Leave predictions running until they are canceled."""
    _ends(lab, "processing")


def predictions_fail(lab: Lab) -> None:
    """Fail predictions with a transient error."""
    _ends(lab, "failed")


def predictions_decline_their_input(lab: Lab) -> None:
    """Fail predictions for good, because of their content."""
    _ends(lab, "failed")
    lab.provider.error = "The input was flagged as sensitive (E005)"


def predictions_abort(lab: Lab) -> None:
    """End predictions as aborted by the provider."""
    _ends(lab, "aborted")


def recovers(lab: Lab) -> None:
    """Behave normally again."""
    lab.provider.responses.clear()
    lab.provider.is_listed = lab.provider.cancels = True
    _ends(lab, "succeeded")


def _ends(lab: Lab, status: str) -> None:
    lab.provider.ends_as = status
    lab.provider.error = "Prediction failed (E9828)"


BEHAVIOURS: tuple[Behaviour, ...] = (
    refuses_next,
    rejects_next,
    misses_next,
    loses_next_response,
    sends_webhooks_before_next_response,
    sends_webhooks_instead_of_next_response,
    removes_outputs,
    list_fails,
    list_works,
    refuses_cancels,
    predictions_hang,
    predictions_fail,
    predictions_decline_their_input,
    predictions_abort,
    recovers,
)
