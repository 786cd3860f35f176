"""Everything that users of Replicate complain about happens to the whole system, and each job comes to its end.

The scenarios of a table run at once under one worker: the words of each job's wish tell the simulator which faults
are meant for it. Every webhook is lost throughout, because nobody listens where they are sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from diorama.doctor.drift import log_drift
from diorama.embedded import EmbeddedPostgres, EmbeddedS3
from diorama.settings import Settings, read_settings
from jobs.identity import issue_api_key
from jobs.media import probe_video
from storage import S3Store
from tests.acceptance.scenarios import ACCOUNT_TROUBLE, BAD_GATEWAY, SCENARIOS, Scenario
from tests.simulator.receiver import Receiver
from tests.support.eventually import eventually
from tests.support.invariants import assert_attempts_add_up, assert_credits_add_up, assert_sound
from tests.support.serving import Caller, serving
from tests.support.stocked_system import NEXT, PREFERRED, Servers, StockedSystem, wait_for_all

# Words that only the provider uses, and none of which a caller may ever read.
VENDOR_WORDS = (
    "replicate", "(code", "Director", "credit to run", "billing", "throttled", "Unauthenticated",
    "purchase", "upstream", "API key", "moderation_blocked", "exploded", "cloudflare",
)  # fmt: skip
# Its codes are looked for as they are written: in small letters they are digits of an id or of a signature.
VENDOR_CODES = ("E005", "E9828")

FOR_CALLERS = """
query($after: String) {
  jobs(first: 20, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node {
      state metadata error { code message detail } output { url }
      attempts { model status promptVersion detail }
      events(first: 50) { edges { node { event reason error { code message detail } } } }
    } }
  }
}
"""


@pytest.fixture(scope="module")
def servers(
    postgres_server: EmbeddedPostgres, migrated_template: str, s3_server: EmbeddedS3, shared_store: S3Store
) -> Servers:
    return Servers(postgres_server, migrated_template, s3_server, shared_store)


@dataclass
class Played:
    """A stocked system in which all scenarios were played at once, and their jobs."""

    stocked: StockedSystem
    jobs: dict[str, UUID]


@pytest.fixture(scope="module")
def played(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with servers.stocked(tmp_path_factory.mktemp("played")) as stocked:
        jobs = {}
        for number, scenario in enumerate(SCENARIOS, start=100):
            words = f"scene number {number} of the day"
            for action, rule in scenario.faults:
                stocked.fault(action, prompt=words, **rule)
            jobs[scenario.name] = stocked.ask_for_scene(words)
        with stocked.working():
            wait_for_all(stocked, list(jobs.values()), within_s=90.0)
            yield Played(stocked, jobs)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_comes_to_its_end(played: Played, scenario: Scenario) -> None:
    stocked, job_id = played.stocked, played.jobs[scenario.name]
    job = stocked.system.row(job_id)
    assert (job.state, job.error_code) == (scenario.state, scenario.code), job.error_detail
    assert tuple(row.status for row in stocked.attempts(job_id)) == scenario.attempts
    assert scenario.met is None or scenario.met in [row.event for row in stocked.events(job_id)]
    never_taken = sum(status in ("absent", "refused") for status in scenario.attempts)
    assert stocked.creates(job_id) == len(scenario.attempts) - never_taken, "paid for without a row, or the reverse"
    assert (stocked.system.objects(job_id) == []) is (scenario.state == "failed")


def test_every_cent_of_the_scenarios_is_booked(played: Played) -> None:
    """What the provider bills is what our jobs say they cost."""
    with played.stocked.system.engine.connect() as conn:
        booked = conn.scalar(text("SELECT sum(cost_micros) FROM jobs"))
    assert booked == round(played.stocked.bill()["total_usd"] * 1_000_000)


def test_every_history_of_the_scenarios_is_sound(played: Played) -> None:
    assert_sound(played.stocked.system.engine)
    assert_attempts_add_up(played.stocked.system.engine)
    assert_credits_add_up(played.stocked.system.engine)


def test_no_webhook_arrived_in_any_scenario(played: Played) -> None:
    counted = played.stocked.ask("counters")["webhooks"]
    assert counted["attempts"] > len(SCENARIOS)
    assert "delivered" not in counted


def test_lost_calls_were_found_in_a_list_that_holds_words_which_clients_choke_on(played: Played) -> None:
    """One aborted prediction, or one of an unknown status, makes a whole page unreadable to some."""
    api = f"{played.stocked.system.simulator.api_url}/v1/predictions"
    page = httpx.get(api, headers={"Authorization": "Bearer r8_test"}).raise_for_status().json()
    assert {"aborted", "paused", "failed", "succeeded"} <= {each["status"] for each in page["results"]}
    found = [name for name, job_id in played.jobs.items() if "orphan_found" in _names(played.stocked, job_id)]
    assert len(found) == sum(scenario.met == "orphan_found" for scenario in SCENARIOS)


def _names(stocked: StockedSystem, job_id: UUID) -> list[str]:
    return [row.event for row in stocked.events(job_id)]


def test_a_rejection_of_the_content_is_told_kindly(played: Played) -> None:
    message = played.stocked.system.row(played.jobs["E005"]).error_message
    assert "can happen to harmless ones" in message
    assert "Please try another photo or other words" in message


def test_no_job_that_has_failed_promises_to_go_on(played: Played) -> None:
    for scenario in SCENARIOS:
        assert "keep trying" not in (played.stocked.system.row(played.jobs[scenario.name]).error_message or ""), (
            scenario.name
        )


def test_a_job_whose_model_is_gone_is_made_by_the_next_one(played: Played) -> None:
    made_by = [row.model for row in played.stocked.attempts(played.jobs["no such model"])]
    assert made_by == [PREFERRED, NEXT]


def test_no_caller_reads_the_words_or_the_addresses_of_the_provider(played: Played) -> None:
    answer = _told(played.stocked)
    assert len(answer["nodes"]) == len(SCENARIOS)
    told = json.dumps(answer)
    assert _vendor_words(told) == []
    assert played.stocked.system.simulator.delivery_url not in told
    assert "/xezq/" not in told


def test_the_addresses_of_the_provider_are_kept_where_only_the_next_step_reads_them(played: Played) -> None:
    """A table that is shown to callers holds none."""
    with played.stocked.system.engine.connect() as conn:
        for table in ("jobs", "job_events", "assets", "stories"):
            rows = " ".join(conn.scalars(text(f'SELECT t::text FROM "{table}" t')))
            assert "/xezq/" not in rows, table


def _told(stocked: StockedSystem) -> dict[str, Any]:
    """Return all that a partner can read of its jobs."""
    with stocked.system.engine.begin() as conn:
        secret = issue_api_key(conn, "acme", role="partner", key_name="reader")
    url = stocked.system.environment["DATABASE_URL"]
    nodes: list[Any] = []
    with serving(url) as server:
        caller, after = Caller(server, secret), None
        while True:
            page = caller.ask(FOR_CALLERS, after=after)["jobs"]
            nodes += [edge["node"] for edge in page["edges"]]
            if not page["pageInfo"]["hasNextPage"]:
                return {"nodes": nodes}
            after = page["pageInfo"]["endCursor"]


def _vendor_words(told: str) -> list[str]:
    """Return the words and codes of the provider that stand in ``told``."""
    words = [word for word in VENDOR_WORDS if word.lower() in told.lower()]
    return words + [code for code in VENDOR_CODES if code in told]


@contextmanager
def _alone(servers: Servers, directory: Path, **simulated: Any) -> Iterator[StockedSystem]:
    """A stocked system for faults that concern everybody in it."""
    with servers.stocked(directory, **simulated) as stocked:
        yield stocked
        assert_sound(stocked.system.engine)
        assert_attempts_add_up(stocked.system.engine)


WAITING = "The picture service cannot be used right now. We keep trying."


def test_while_the_account_is_in_trouble_jobs_wait_without_losing_a_retry(servers: Servers, tmp_path: Path) -> None:
    """Callers are told that we keep trying; once an operator has seen to it, the jobs go on."""
    with _alone(servers, tmp_path) as stocked:
        jobs = {}
        for number, (trouble, (action, rule)) in enumerate(ACCOUNT_TROUBLE.items(), start=100):
            words = f"scene number {number} of the day"
            stocked.fault(action, prompt=words, **rule)
            jobs[trouble] = stocked.ask_for_scene(words)
        with capture_logs() as lines, stocked.working():
            wait_for_all(stocked, list(jobs.values()), within_s=90.0)
        alerts = [(line["event"], line["why"]) for line in lines if line["log_level"] == "critical"]
        assert any(event == "submissions stopped" and "(E001)" in why for event, why in alerts), alerts
        assert any(event.startswith("a model is unavailable") for event, _ in alerts), alerts
        for trouble, job_id in jobs.items():
            job = stocked.system.row(job_id)
            assert job.state == "succeeded", trouble
            assert job.accepted - job.accepted_earlier == 1, "it has every other attempt left"
            met = [row for row in stocked.events(job_id) if row.error_code is not None]
            assert [row.error_code for row in met] == ["provider_account"] * ACCOUNT_TROUBLE[trouble][1]["count"], (
                trouble
            )
            assert {row.error_message for row in met} == {WAITING}, trouble
        told = json.dumps(_told(stocked))
        assert _vendor_words(told) == []


def test_reads_that_hang_break_and_fail_delay_a_job_and_no_more(servers: Servers, tmp_path: Path) -> None:
    """Neither a hanging read, nor a storm of 502s, nor half an answer says anything of the prediction."""
    with _alone(servers, tmp_path) as stocked:
        reads = {"operation": "predictions.get"}
        stocked.fault("hang_before_accept", count=1, **reads)
        stocked.fault("server_error", count=6, **reads, **BAD_GATEWAY)
        stocked.fault("cut_body", count=1, **reads)
        stocked.fault("garble_body", count=1, **reads)
        stocked.fault("cut_body", listener="delivery", count=1)
        jobs = [stocked.ask_for_scene(f"scene {number}") for number in range(4)]
        with stocked.working():
            wait_for_all(stocked, jobs, within_s=40.0)
        assert [stocked.system.row(job_id).state for job_id in jobs] == ["succeeded"] * 4
        assert stocked.bill()["creates"] == 4


def test_jobs_wait_out_a_storm_of_502s_and_none_is_paid_for_twice(servers: Servers, tmp_path: Path) -> None:
    """Nine of ten requests fail for a while, whatever they ask for."""
    with _alone(servers, tmp_path) as stocked:
        stocked.fault("server_error", probability=0.9, seed=4, for_s=4, **BAD_GATEWAY)
        jobs = [stocked.ask_for_scene(f"scene {number}") for number in range(6)]
        with stocked.working():
            wait_for_all(stocked, jobs, within_s=60.0)
        assert [stocked.system.row(job_id).state for job_id in jobs] == ["succeeded"] * 6
        assert stocked.bill()["creates"] == 6


def test_predictions_that_get_stuck_are_ended_by_their_deadline(servers: Servers, tmp_path: Path) -> None:
    """`Cancel-After` bounds them at the provider, in its queue for free; the next attempt is a fresh one."""
    with _alone(servers, tmp_path, run_limit_s=360_000.0) as stocked:
        jobs = {}
        for state in ("starting", "processing"):
            stocked.fault(f"stick_{state}", prompt=f"{state} for ever", count=1)
            jobs[state] = stocked.ask_for_scene(f"{state} for ever")
        with stocked.working():
            eventually(lambda: stocked.bill()["by_status"] == {"starting": 1, "processing": 1})
            for job_id in jobs.values():
                stocked.wait_for(job_id, "generating")
            stocked.let_pass(601)
            wait_for_all(stocked, list(jobs.values()), within_s=40.0)
        paid = {
            state: [(row.status, row.cost_micros > 0) for row in stocked.attempts(id_)] for state, id_ in jobs.items()
        }
        assert paid["starting"] == [("failed", False), ("succeeded", True)]
        assert paid["processing"] == [("failed", True), ("succeeded", True)]
        assert stocked.bill()["by_status"] == {"aborted": 1, "canceled": 1, "succeeded": 2}


def test_a_video_whose_create_is_lost_is_found_by_the_picture_that_was_uploaded_for_it(
    servers: Servers, tmp_path: Path
) -> None:
    """With the settings as they come: no webhooks, and the model has no input that could carry a token."""
    with _alone(servers, tmp_path, clock_ahead_s=-300.0) as stocked:
        stocked.fault("stick_processing", model="minimax/*")
        stocked.fault("reset_after_accept", operation="predictions.create", count=1)
        job_id = stocked.ask_for_video("walk_forward")
        with stocked.working(public_url=None, inputs=Settings().provider_inputs):
            stocked.wait_for(job_id, "generating")
        assert [row.event for row in stocked.events(job_id)][1:4] == ["submit_started", "outcome_lost", "orphan_found"]
        assert stocked.bill()["creates"] == 1
        (attempt,) = stocked.attempts(job_id)
        (file,) = stocked.system.simulator.state.files.in_order()
        assert (file.name, file.metadata) == (f"{attempt.token}.jpg", {"token": str(attempt.token)})
        assert attempt.picture_url.endswith(f"/v1/files/{file.id}")


def test_webhooks_that_are_redirected_or_never_answered_cost_nothing_but_time(servers: Servers, tmp_path: Path) -> None:
    with _alone(servers, tmp_path) as stocked, Receiver() as receiver:
        receiver.answers = [301] * 4
        job_id = stocked.ask_for_scene("a redirected scene")
        with stocked.working(public_url=receiver.url):
            stocked.wait_for(job_id)
            assert {request.path.split("?")[0] for request in receiver.wait_for(2)} == {"/hook/webhooks/replicate"}
            receiver.may_answer.clear()
            try:
                stocked.wait_for(stocked.ask_for_scene("a scene for nobody"))
            finally:
                receiver.may_answer.set()
        assert stocked.bill()["creates"] == 2


# By style, whose words are in the prompt: what the provider does to the video, and what becomes of the job.
VIDEOS: dict[str, tuple[str, tuple[str, ...], str | None]] = {
    "walk_forward": ("walks", ("odd_size_video", "wrong_output_type"), None),
    "wave": ("waves", ("variable_rate_video",), None),
    "look_around": ("looks around", ("truncate_file",), "output_invalid"),
}


@pytest.mark.media
def test_odd_videos_are_put_right_and_broken_ones_are_given_up(servers: Servers, tmp_path: Path) -> None:
    with _alone(servers, tmp_path) as stocked:
        for words, actions, _ in VIDEOS.values():
            for action in actions:
                stocked.fault(action, prompt=words)
        jobs = {style: stocked.ask_for_video(style) for style in VIDEOS}
        with stocked.working():
            wait_for_all(stocked, list(jobs.values()), within_s=100.0)
        for style, (_, _, code) in VIDEOS.items():
            job = stocked.system.row(jobs[style])
            assert job.error_code == code, job.error_detail
            if code is None:
                video = tmp_path / f"{style}.mp4"
                stocked.system.store.download(f"jobs/{job.id}/1/video.mp4", video, max_bytes=50_000_000)
                facts = probe_video(video)
                assert (facts.width_px, facts.height_px, facts.frames) == (1920, 1080, 180)


def test_a_schema_that_drifted_is_told_by_field_and_ends_jobs_kindly(servers: Servers, tmp_path: Path) -> None:
    """The model does not take what we send any more: 422. Nobody is charged, and the log says which field it is."""
    catalogue = json.loads((files("simulator.models") / "openai.json").read_text("utf-8"))
    qualities = [entry for name, entry in catalogue["inputs"].items() if name.startswith("quality")]
    for entry in qualities:
        entry["enum"], entry["default"] = ["draft"], "draft"
    changed = tmp_path / "openai.json"
    changed.write_text(json.dumps(catalogue), encoding="utf-8")
    with _alone(servers, tmp_path, model_files=(str(changed),)) as stocked:
        settings = read_settings(
            _env_file=None, replicate_base_url=stocked.system.simulator.api_url, replicate_api_token="r8_x"
        )
        with capture_logs() as lines:
            log_drift(settings)
        assert ("openai/gpt-image-2.5-sunburst", "quality") in {(line["model"], line["field"]) for line in lines}
        job_id = stocked.ask_for_scene("a scene")
        with stocked.working():
            stocked.wait_for(job_id, "failed")
        job = stocked.system.row(job_id)
        assert (job.error_code, job.cost_micros) == ("provider_rejected", 0)
        assert "quality" not in job.error_message
        assert stocked.bill()["creates"] == 0
