"""How the provider may behave: what it does with the next submission, and what becomes of predictions."""

from __future__ import annotations

from collections.abc import Callable

from jobs.providers.failures import of_status
from jobs.providers.provider import Submission
from statemachine.outcomes import Accepted, OutcomeLost, Refused, Rejected
from tests.faults.lab import Lab
from tests.faults.webhooks import messages_of
from tests.support.fakes import Submitted, no_answer

Behaviour = Callable[[Lab], None]


def busy(lab: Lab) -> None:
    """The next submission is refused for now."""
    lab.provider.answers.append(lambda _: Refused(of_status(429, "slow down", 1.0)))


def unwilling(lab: Lab) -> None:
    """The next submission is declined."""
    lab.provider.answers.append(lambda _: Rejected(of_status(422, "no", None)))


def deaf(lab: Lab) -> None:
    """The next submission never arrives."""
    lab.provider.answers.append(lambda _: OutcomeLost("ConnectionResetError after sending"))


def mute(lab: Lab) -> None:
    """The next submission is taken, and the answer is lost."""
    lab.provider.answers.append(no_answer(lab.provider))


def ahead_of_its_answer(lab: Lab) -> None:
    """The next submission is told of by webhooks before it is answered."""
    lab.provider.answers.append(lambda submission: _told(lab, submission))


def ahead_and_mute(lab: Lab) -> None:
    """The next submission is told of by webhooks, and never answered."""

    def answer(submission: Submission) -> Submitted:
        _told(lab, submission)
        return OutcomeLost("ReadTimeout after sending")

    lab.provider.answers.append(answer)


def _told(lab: Lab, submission: Submission) -> Submitted:
    prediction_id = lab.provider.take(submission)
    lab.provider.get(prediction_id)
    for message in messages_of(lab.provider, prediction_id):
        message.deliver(lab.engine)
    return Accepted(prediction_id, 0.0)


def forgetful(lab: Lab) -> None:
    """An hour has passed at the provider: outputs are gone."""
    lab.provider.gone.update(f"memory://{id_}/out.png" for id_ in lab.provider.booked)


def unlisted(lab: Lab) -> None:
    """The provider's list is out of reach."""
    lab.provider.is_listed = False


def listed(lab: Lab) -> None:
    """The provider's list is back."""
    lab.provider.is_listed = True


def unstoppable(lab: Lab) -> None:
    """Nothing can be canceled, for good."""
    lab.provider.cancels = False


def slow(lab: Lab) -> None:
    """Predictions do not end by themselves."""
    _ends(lab, "processing")


def failing(lab: Lab) -> None:
    """Predictions fail in passing."""
    _ends(lab, "failed")


def declining(lab: Lab) -> None:
    """Predictions fail for good, for what they were asked to show."""
    _ends(lab, "failed")
    lab.provider.error = "The input was flagged as sensitive (E005)"


def aborting(lab: Lab) -> None:
    """Predictions are ended by the provider."""
    _ends(lab, "aborted")


def well_again(lab: Lab) -> None:
    """Everything behaves."""
    lab.provider.answers.clear()
    lab.provider.is_listed = lab.provider.cancels = True
    _ends(lab, "succeeded")


def _ends(lab: Lab, status: str) -> None:
    lab.provider.ends_as = status
    lab.provider.error = "Prediction failed (E9828)"


BEHAVIOURS: tuple[Behaviour, ...] = (
    busy,
    unwilling,
    deaf,
    mute,
    ahead_of_its_answer,
    ahead_and_mute,
    forgetful,
    unlisted,
    listed,
    unstoppable,
    slow,
    failing,
    declining,
    aborting,
    well_again,
)
