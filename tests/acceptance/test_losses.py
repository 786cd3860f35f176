"""Money is not spent twice, whatever gets lost; `python -m tests.acceptance.losses` tests it with ten thousand jobs."""

from __future__ import annotations

import pytest

from diorama.embedded import EmbeddedPostgres
from tests.acceptance.losses import lose

pytestmark = pytest.mark.faults


def test_nothing_is_paid_for_twice_while_responses_and_workers_are_lost(postgres_server: EmbeddedPostgres) -> None:
    jobs = 150
    run = lose(postgres_server, jobs=jobs, per_s=50, list_works=True)
    assert run.violations == []
    assert (run.accepted, run.duplicate_micros) == (jobs, 0)
    assert min(run.responses_lost, run.errors_after_acceptance, run.workers_killed, run.submissions_of_killed) > 0


def test_spending_stays_below_the_cap_and_is_booked_while_the_list_fails(postgres_server: EmbeddedPostgres) -> None:
    """A call whose fate is unknown is paid for again, up to the cap; once the list is back, every payment is booked."""
    run = lose(postgres_server, jobs=60, per_s=50, list_works=False)
    assert run.violations == []
    assert run.duplicates > 0
    assert run.most_of_one_job_micros <= run.cap_micros
    assert run.billed_micros == run.booked_micros
