"""Only support can read the results of prompt experiments."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from jobs.catalogue.experiments import experiments
from schema.ids import IdKind, decode_id
from tests.schema.documents import make_avatar
from tests.support.partners import Partner, add_attempt
from tests.support.serving import Server

EXPERIMENTS = """
query ($since: DateTime) {
  promptExperiments(since: $since) {
    key description kind modelFamily isRunning
    variants {
      name weight jobs attempts ended succeeded rejected successRate rejectionRate costMicros medianSeconds
    }
  }
}
"""


def take_part(server: Server, job_id: str, experiment: str, variant: str) -> None:
    """Add a finished attempt made with a variant."""
    add_attempt(server.engine, job_id)
    statement = text(
        "UPDATE attempts SET experiment = :experiment, variant = :variant, status = 'succeeded', "
        "cost_micros = 40000, accepted_at = now(), completed_at = now() + interval '30 seconds' WHERE job_id = :id"
    )
    with server.engine.begin() as conn:
        conn.execute(statement, {"id": decode_id(job_id, IdKind.JOB), "experiment": experiment, "variant": variant})


def results(support: Partner, **variables: Any) -> dict[str, dict[str, Any]]:
    return {each["key"]: each for each in support.ask(EXPERIMENTS, **variables)["promptExperiments"]}


def test_only_support_may_read_experiments(acme: Partner) -> None:
    assert acme.fail(EXPERIMENTS)["extensions"]["code"] == "FORBIDDEN"


def test_running_experiments_have_their_weights(support: Partner) -> None:
    found = results(support)
    for experiment in experiments():
        one = found[experiment.key]
        assert (one["isRunning"], one["kind"], one["modelFamily"]) == (True, "ANIMATION", experiment.family)
        weights = {variant["name"]: variant["weight"] for variant in one["variants"]}
        assert weights.items() >= {variant.name: variant.weight for variant in experiment.variants}.items()


def test_results_are_given_by_variant_even_for_past_experiments(
    acme: Partner, support: Partner, server: Server
) -> None:
    take_part(server, make_avatar(acme, acme.asset()), "long-over", "bold")
    over = results(support)["long-over"]
    assert (over["isRunning"], over["kind"], over["description"]) == (False, None, None)
    assert over["variants"] == [
        {
            "name": "bold",
            "weight": 0,
            "jobs": 1,
            "attempts": 1,
            "ended": 1,
            "succeeded": 1,
            "rejected": 0,
            "successRate": 1.0,
            "rejectionRate": 0.0,
            "costMicros": 40000,
            "medianSeconds": 30.0,
        }
    ]


def test_results_are_counted_since_a_time(acme: Partner, support: Partner, server: Server) -> None:
    take_part(server, make_avatar(acme, acme.asset()), "since", "a")
    assert "since" in results(support, since="2026-01-01T00:00:00Z")
    assert "since" not in results(support, since="2126-01-01T00:00:00Z")


def test_an_attempt_names_its_variant(acme: Partner, server: Server) -> None:
    job_id = make_avatar(acme, acme.asset())
    take_part(server, job_id, "shown", "b")
    query = "query ($id: ID!) { job(id: $id) { attempts { promptVersion experiment variant } } }"
    assert acme.ask(query, id=job_id)["job"]["attempts"] == [
        {"promptVersion": "v1", "experiment": "shown", "variant": "b"}
    ]
