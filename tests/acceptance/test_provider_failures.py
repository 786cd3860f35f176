"""Failures of the provider that affect all jobs at once: each test has a system to itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from diorama.doctor.drift import log_drift
from diorama.settings import Settings, read_settings
from jobs.media import probe_video
from storage.keys import job_prefix
from tests.acceptance.partner_view import read_as_partner, vendor_words_in
from tests.acceptance.scenarios import ACCOUNT_ERRORS, BAD_GATEWAY
from tests.support.eventually import eventually
from tests.support.invariants import assert_attempts_add_up, assert_credits_add_up, assert_sound
from tests.support.receiver import Receiver
from tests.support.system import Servers, System


@contextmanager
def _alone(servers: Servers, directory: Path, **simulated: Any) -> Iterator[System]:
    """Yield a system for faults that affect all of its jobs."""
    with servers.system(directory, **simulated) as system:
        yield system
        assert_sound(system.engine)
        assert_attempts_add_up(system.engine)


WAITING = "The picture service cannot be used right now. We keep trying."


@pytest.mark.faults
def test_jobs_wait_out_account_errors_without_losing_a_retry(servers: Servers, tmp_path: Path) -> None:
    """Callers read that we keep trying; once an operator has fixed the account, the jobs continue."""
    with _alone(servers, tmp_path) as system:
        jobs = {}
        for number, (error, (action, rule)) in enumerate(ACCOUNT_ERRORS.items(), start=100):
            words = f"scene number {number} of the day"
            system.fault(action, prompt=words, **rule)
            jobs[error] = system.ask_for_scene(words)
        with capture_logs() as lines, system.working():
            system.wait_until_ended(list(jobs.values()), within_s=90.0)
        alerts = [(line["event"], line["why"]) for line in lines if line["log_level"] == "critical"]
        assert any(event == "submissions stopped" and "(E001)" in why for event, why in alerts), alerts
        assert any(event.startswith("a model is unavailable") for event, _ in alerts), alerts
        for error, job_id in jobs.items():
            job = system.row(job_id)
            assert job.state == "succeeded", error
            assert job.accepted - job.accepted_earlier == 1, "all its other attempts are left"
            met = [row for row in system.history(job_id) if row.error_code is not None]
            assert [row.error_code for row in met] == ["provider_account"] * ACCOUNT_ERRORS[error][1]["count"], error
            assert {row.error_message for row in met} == {WAITING}, error
        visible = json.dumps(read_as_partner(system))
        assert vendor_words_in(visible) == []


@pytest.mark.faults
def test_reads_that_hang_break_or_fail_only_delay_a_job(servers: Servers, tmp_path: Path) -> None:
    """A hanging read, a storm of 502s and half a response say nothing about the prediction."""
    with _alone(servers, tmp_path) as system:
        reads = {"operation": "predictions.get"}
        system.fault("hang_before_accept", count=1, **reads)
        system.fault("server_error", count=6, **reads, **BAD_GATEWAY)
        system.fault("cut_body", count=1, **reads)
        system.fault("garble_body", count=1, **reads)
        system.fault("cut_body", listener="delivery", count=1)
        jobs = [system.ask_for_scene(f"scene {number}") for number in range(4)]
        with system.working():
            system.wait_until_ended(jobs, within_s=40.0)
        assert [system.row(job_id).state for job_id in jobs] == ["succeeded"] * 4
        assert system.control.bill()["creates"] == 4


@pytest.mark.faults
def test_jobs_wait_out_a_storm_of_502s_and_none_is_paid_for_twice(servers: Servers, tmp_path: Path) -> None:
    """Nine of ten requests of any kind fail for a while."""
    with _alone(servers, tmp_path) as system:
        system.fault("server_error", probability=0.9, seed=4, for_s=4, **BAD_GATEWAY)
        jobs = [system.ask_for_scene(f"scene {number}") for number in range(6)]
        with system.working():
            system.wait_until_ended(jobs, within_s=60.0)
        assert [system.row(job_id).state for job_id in jobs] == ["succeeded"] * 6
        assert system.control.bill()["creates"] == 6


@pytest.mark.faults
def test_predictions_that_get_stuck_are_ended_by_their_deadline(servers: Servers, tmp_path: Path) -> None:
    """`Cancel-After` ends them at the provider, free of charge in its queue, and the job makes a new attempt."""
    with _alone(servers, tmp_path, run_limit_s=360_000.0) as system:
        jobs = {}
        for state in ("starting", "processing"):
            system.fault(f"stick_{state}", prompt=f"{state} forever", count=1)
            jobs[state] = system.ask_for_scene(f"{state} forever")
        with system.working():
            eventually(lambda: system.control.bill()["by_status"] == {"starting": 1, "processing": 1})
            for job_id in jobs.values():
                system.wait_for(job_id, "generating")
            system.control.advance(601)
            system.wait_until_ended(list(jobs.values()), within_s=40.0)
        paid = {
            state: [(row.status, row.cost_micros > 0) for row in system.attempts(id_)] for state, id_ in jobs.items()
        }
        assert paid["starting"] == [("failed", False), ("succeeded", True)]
        assert paid["processing"] == [("failed", True), ("succeeded", True)]
        assert system.control.bill()["by_status"] == {"aborted": 1, "canceled": 1, "succeeded": 2}


def test_a_video_whose_create_is_lost_is_found_by_the_picture_that_was_uploaded_for_it(
    servers: Servers, tmp_path: Path
) -> None:
    """It works with the default settings: no webhooks, and a model without an input that could carry a token."""
    with _alone(servers, tmp_path, clock_ahead_s=-300.0) as system:
        system.fault("stick_processing", model="minimax/*")
        system.fault("reset_after_accept", operation="predictions.create", count=1)
        job_id = system.ask_for_video("walk_forward")
        with system.working(public_url=None, inputs=Settings().provider_inputs):
            system.wait_for(job_id, "generating")
        assert system.progress(job_id)[1:4] == ["submit_started", "outcome_lost", "orphan_found"]
        assert system.control.bill()["creates"] == 1
        (attempt,) = system.attempts(job_id)
        (file,) = system.simulator.state.files.in_order()
        assert (file.name, file.metadata) == (f"{attempt.token}.jpg", {"token": str(attempt.token)})
        assert attempt.picture_url.endswith(f"/v1/files/{file.id}")


@pytest.mark.faults
def test_redirected_and_hanging_webhooks_cost_nothing_but_time(servers: Servers, tmp_path: Path) -> None:
    with _alone(servers, tmp_path) as system, Receiver() as receiver:
        receiver.next_statuses = [301] * 4
        job_id = system.ask_for_scene("a redirected scene")
        with system.working(public_url=receiver.url):
            system.wait_for(job_id)
            assert {request.path.split("?")[0] for request in receiver.wait_for(2)} == {"/hook/webhooks/replicate"}
            receiver.may_respond.clear()
            try:
                system.wait_for(system.ask_for_scene("a scene whose webhooks hang"))
            finally:
                receiver.may_respond.set()
        assert system.control.bill()["creates"] == 2


# For each style: the words it puts in the prompt, the provider's faults for its video, and the job's error code.
VIDEOS: dict[str, tuple[str, tuple[str, ...], str | None]] = {
    "walk_forward": ("walks", ("odd_size_video", "wrong_output_type"), None),
    "wave": ("waves", ("variable_rate_video",), None),
    "look_around": ("looks around", ("truncate_file",), "output_invalid"),
}


@pytest.mark.media
@pytest.mark.parametrize("again", [True, False], ids=["the next one fits", "none fits"])
def test_a_video_of_something_else_is_made_again(servers: Servers, tmp_path: Path, again: bool) -> None:
    """It is paid for each time; the caller pays only for one that shows the scene."""
    with _alone(servers, tmp_path) as system:
        system.fault("unrelated_video", **({"count": 1} if again else {}))
        job_id = system.ask_for_video("walk_forward")
        with system.working():
            system.wait_until_ended([job_id], within_s=100.0)
        job, attempts = system.row(job_id), system.attempts(job_id)
        assert (job.state, job.error_code) == (("succeeded", None) if again else ("failed", "output_invalid"))
        refused = system.scalars(
            "SELECT error_detail FROM job_events WHERE job_id = :id AND event = 'output_invalid'", id=job_id
        )
        assert all("likeness" in each for each in refused)
        assert len(refused) == (1 if again else len(attempts))
        assert system.creates_of(job_id) == len(attempts) == (2 if again else 4)
        assert_credits_add_up(system.engine)


@pytest.mark.media
def test_odd_videos_are_repaired_and_broken_ones_fail_their_jobs(servers: Servers, tmp_path: Path) -> None:
    with _alone(servers, tmp_path) as system:
        for words, actions, _ in VIDEOS.values():
            for action in actions:
                system.fault(action, prompt=words)
        jobs = {style: system.ask_for_video(style) for style in VIDEOS}
        with system.working():
            system.wait_until_ended(list(jobs.values()), within_s=100.0)
        for style, (_, _, code) in VIDEOS.items():
            job = system.row(jobs[style])
            assert job.error_code == code, job.error_detail
            if code is None:
                video = tmp_path / f"{style}.mp4"
                (key,) = (each.key for each in system.store.list(job_prefix(job.id)) if each.key.endswith("video.mp4"))
                system.store.download(key, video, max_bytes=50_000_000)
                facts = probe_video(video)
                assert (facts.width_px, facts.height_px, facts.frames) == (1920, 1080, 180)


def test_schema_drift_is_reported_by_field_and_fails_jobs_with_a_friendly_message(
    servers: Servers, tmp_path: Path
) -> None:
    """The model no longer accepts our input: 422. The user is not charged, and the log names the field."""
    catalogue = json.loads((files("simulator.models") / "openai.json").read_text("utf-8"))
    qualities = [entry for name, entry in catalogue["inputs"].items() if name.startswith("quality")]
    for entry in qualities:
        entry["enum"], entry["default"] = ["draft"], "draft"
    changed = tmp_path / "openai.json"
    changed.write_text(json.dumps(catalogue), encoding="utf-8")
    with _alone(servers, tmp_path, model_files=(str(changed),)) as system:
        settings = read_settings(
            _env_file=None, replicate_base_url=system.simulator.api_url, replicate_api_token="r8_x"
        )
        with capture_logs() as lines:
            log_drift(settings)
        assert ("openai/gpt-image-2.5-sunburst", "quality") in {(line["model"], line["field"]) for line in lines}
        job_id = system.ask_for_scene("a scene")
        with system.working():
            system.wait_for(job_id, "failed")
        job = system.row(job_id)
        assert (job.error_code, job.cost_micros) == ("provider_rejected", 0)
        assert "quality" not in job.error_message
        assert system.control.bill()["creates"] == 0
