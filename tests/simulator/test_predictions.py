"""The lifecycle of a prediction, as a client sees it."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from tests.simulator.clients import DOWNLOADS, IMAGE, LIVE, Api
from tests.simulator.conftest import Start
from tests.support.eventually import eventually

HELLO = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"


def test_created_prediction_has_the_shape_of_the_real_one(api: Api) -> None:
    response = api.create(IMAGE, {"prompt": "x"})
    body = response.json()
    assert response.status_code == 201
    assert re.fullmatch(r"[a-z2-7]{26}", body["id"])
    assert datetime.fromisoformat(body.pop("created_at")).tzinfo is not None
    prediction_id = body.pop("id")
    url = f"{api.background.api_url}/v1/predictions/{prediction_id}"
    assert body == {
        "model": IMAGE,
        "version": "hidden",
        "input": {"prompt": "x"},
        "logs": "",
        "output": None,
        "data_removed": False,
        "error": None,
        "source": "api",
        "status": "starting",
        "urls": {"get": url, "cancel": f"{url}/cancel", "web": f"https://replicate.com/p/{prediction_id}"},
    }
    assert response.headers["location"] == url
    assert response.headers["content-type"] == "application/json; charset=utf-8"


def test_image_prediction_succeeds_with_a_list_of_files(api: Api) -> None:
    body = api.finished(IMAGE, {"prompt": "x", "number_of_images": 2})
    assert body["status"] == "succeeded"
    assert len(body["output"]) == 2
    assert all(url.startswith(api.background.delivery_url) for url in body["output"])
    assert re.fullmatch(r"Generating image\.\.\.\nGenerated image in \d+\.\dsec\n", body["logs"])
    assert body["metrics"]["image_count"] == 2
    assert body["metrics"]["predict_time"] <= body["metrics"]["total_time"]
    assert body["started_at"] < body["completed_at"]


def test_video_prediction_succeeds_with_one_file(api: Api) -> None:
    body = api.finished(LIVE)
    assert body["status"] == "succeeded"
    assert body["output"].endswith(".mp4")
    assert DOWNLOADS.head(body["output"]).headers["content-type"] == "video/mp4"


def test_text_model_returns_its_text(api: Api) -> None:
    response = api.post("/predictions", json={"version": HELLO, "input": {"text": "Alice"}})
    body = api.until(response.json()["id"])
    assert (body["output"], body["version"]) == ("hello Alice", HELLO)


@pytest.mark.parametrize(
    ("version", "shown"),
    [(IMAGE, "hidden"), (f"replicate/hello-world:{HELLO}", HELLO), (HELLO, HELLO)],
)
def test_version_names_a_model_in_three_ways(api: Api, version: str, shown: str) -> None:
    given = {"prompt": "x", "text": "x"}
    response = api.post("/predictions", json={"version": version, "input": given})
    assert (response.status_code, response.json()["version"]) == (201, shown)


@pytest.mark.parametrize("version", ["replicate/hello-world", "openai/none", "0" * 64, f"openai/x:{HELLO}", "x"])
def test_version_that_names_no_runnable_model_is_rejected(api: Api, version: str) -> None:
    response = api.post("/predictions", json={"version": version, "input": {"prompt": "x"}})
    assert response.status_code == 422
    assert response.json() == {
        "title": "Invalid version or not permitted",
        "detail": "The specified version does not exist (or perhaps you don't have permission to use it?)",
        "status": 422,
    }


@pytest.mark.parametrize("model", ["openai/none", "replicate/hello-world"])
def test_model_path_serves_official_models_only(api: Api, model: str) -> None:
    response = api.create(model)
    assert response.status_code == 404
    assert response.json() == {"detail": "The requested resource could not be found.", "status": 404}
    assert response.headers["content-type"] == "application/problem+json"
    assert response.text.endswith("\n")


def test_prediction_runs_through_starting_and_processing(start: Start) -> None:
    api = start(speed=1.0)
    created = api.created()
    assert created["status"] == "starting"
    api.control("POST", "/clock", {"advance_s": 5})
    running = api.until(created["id"], "processing")
    assert (running["logs"], running["output"]) == ("Generating image...\n", None)
    assert "completed_at" not in running
    assert "metrics" not in running
    api.control("POST", "/clock", {"advance_s": 120})
    eventually(lambda: api.prediction(created["id"])["output"])
    api.control("POST", "/clock", {"advance_s": 5})
    assert api.until(created["id"])["status"] == "succeeded"


def test_unknown_prediction_is_not_found(api: Api) -> None:
    for response in (api.get("/predictions/none"), api.post("/predictions/none/cancel")):
        assert response.status_code == 404


def test_cancel_before_start_costs_nothing(start: Start) -> None:
    api = start(speed=1.0)
    prediction_id = api.created()["id"]
    canceled = api.post(f"/predictions/{prediction_id}/cancel").json()
    assert (canceled["status"], canceled["output"]) == ("canceled", None)
    assert "started_at" not in canceled
    assert "predict_time" not in canceled["metrics"]
    assert api.bill()["total_usd"] == 0


def test_cancel_after_start_is_charged(start: Start) -> None:
    api = start(speed=1.0)
    prediction_id = api.created()["id"]
    api.control("POST", "/clock", {"advance_s": 5})
    api.until(prediction_id, "processing")
    assert api.post(f"/predictions/{prediction_id}/cancel").json()["status"] == "canceled"
    api.control("POST", "/clock", {"advance_s": 300})
    assert api.prediction(prediction_id)["status"] == "canceled"
    assert api.bill()["total_usd"] > 0


def test_cancel_removes_output_that_exists_already(start: Start) -> None:
    # At this speed, the prediction has its output for ten seconds before it succeeds.
    api = start(speed=0.1)
    api.fault("slow_run", {"factor": 0.0001})
    prediction_id = api.created()["id"]
    api.control("POST", "/clock", {"advance_s": 21})
    (url,) = eventually(lambda: api.prediction(prediction_id)["output"])
    assert DOWNLOADS.get(url).status_code == 200
    canceled = api.post(f"/predictions/{prediction_id}/cancel").json()
    assert (canceled["status"], canceled["output"]) == ("canceled", None)
    assert DOWNLOADS.get(url).status_code == 404


def test_cancel_of_a_finished_prediction_changes_nothing(api: Api) -> None:
    finished = api.finished()
    response = api.post(f"/predictions/{finished['id']}/cancel")
    assert (response.status_code, response.json()) == (200, finished)


@pytest.mark.parametrize(("text", "seconds"), [("30", 30), ("30s", 30), ("5m", 300), ("1h30m45s", 5445), ("2h", 7200)])
def test_cancel_after_sets_a_deadline_from_creation(api: Api, text: str, seconds: int) -> None:
    body = api.created(headers={"Cancel-After": text})
    after = datetime.fromisoformat(body["deadline"]) - datetime.fromisoformat(body["created_at"])
    assert after.total_seconds() == seconds


@pytest.mark.parametrize("text", ["4s", "0", "soon", "-5", "5d", "", "721h", "99999999999h", "9" * 5000])
def test_cancel_after_rejects_anything_but_a_duration_from_five_seconds_to_a_month(api: Api, text: str) -> None:
    response = api.create(headers={"Cancel-After": text})
    assert response.status_code == 400
    assert "Cancel-After" in response.json()["detail"]
    assert api.get("/predictions").json()["results"] == []


def test_deadline_before_start_aborts_for_free(start: Start) -> None:
    api = start(speed=1.0)
    api.fault("stick_starting")
    prediction_id = api.created(headers={"Cancel-After": "1m"})["id"]
    api.control("POST", "/clock", {"advance_s": 61})
    body = api.until(prediction_id)
    assert (body["status"], api.bill()["total_usd"]) == ("aborted", 0)


def test_deadline_while_running_cancels(start: Start) -> None:
    api = start(speed=1.0)
    api.fault("stick_processing")
    prediction_id = api.created(headers={"Cancel-After": "1m"})["id"]
    api.control("POST", "/clock", {"advance_s": 5})
    api.until(prediction_id, "processing")
    api.control("POST", "/clock", {"advance_s": 61})
    assert api.until(prediction_id)["status"] == "canceled"


def test_wait_returns_the_output_while_the_status_still_reads_processing(start: Start) -> None:
    # At this speed, the run takes a few hundredths of a second, and the settling after it a fifth.
    api = start(speed=5.0, canned=True)
    api.fault("slow_run", {"factor": 0.001})
    response = api.create(headers={"Prefer": "wait=30"})
    body = response.json()
    assert (response.status_code, response.headers["preference-applied"]) == (201, "wait=30")
    assert (body["status"], len(body["output"])) == ("processing", 1)


def test_wait_that_ends_first_returns_starting_even_if_it_runs(start: Start) -> None:
    api = start(speed=100.0)
    api.fault("stick_processing")
    response = api.create(headers={"Prefer": "wait=1"})
    body = response.json()
    assert (response.status_code, body["status"]) == (202, "starting")
    assert api.prediction(body["id"])["status"] == "processing"


def test_wait_without_a_number_is_applied(api: Api) -> None:
    response = api.create(headers={"Prefer": "wait"})
    assert response.headers["preference-applied"] == "wait"
    assert response.json()["output"]


def test_wait_ends_when_the_prediction_fails(api: Api) -> None:
    api.fault("fail", {"code": "E005"})
    response = api.create(headers={"Prefer": "wait"})
    assert response.json()["status"] == "failed"


def test_no_other_preference_is_applied(api: Api) -> None:
    assert "preference-applied" not in api.create(headers={"Prefer": "respond-async"}).headers


def test_data_is_removed_an_hour_after_completion(start: Start) -> None:
    api = start()
    body = api.finished()
    assert DOWNLOADS.get(body["output"][0]).status_code == 200
    api.control("POST", "/clock", {"advance_s": 3590})
    assert api.prediction(body["id"])["data_removed"] is False
    api.control("POST", "/clock", {"advance_s": 11})
    removed = eventually(lambda: found if (found := api.prediction(body["id"]))["data_removed"] else None)
    assert (removed["output"], removed["input"], removed["logs"]) == (None, {}, "")
    assert (removed["status"], removed["metrics"]) == ("succeeded", body["metrics"])
    assert DOWNLOADS.get(body["output"][0]).status_code == 404
    assert api.bill()["total_usd"] > 0


def test_instant_mode_succeeds_at_creation_and_draws_when_downloaded(start: Start) -> None:
    api = start(instant=True, canned=False)
    body = api.created(LIVE, {"prompt": "x", "first_frame_image": "http://127.0.0.1:9/never-fetched.png"})
    assert body["status"] == "succeeded"
    assert api.background.state.easel.drawn == 0
    contents = {DOWNLOADS.get(api.created(LIVE)["output"]).content for _ in range(3)}
    assert len(contents) == 1
    assert api.background.state.easel.drawn == 1


def test_same_seed_gives_the_same_ids(start: Start) -> None:
    first, second = start(seed=11), start(seed=11)
    assert first.created()["id"] == second.created()["id"] != start(seed=12).created()["id"]


def test_a_prediction_with_too_large_a_request_is_interrupted(api: Api) -> None:
    body = api.finished(IMAGE, {"prompt": "x" * 20_000_000})
    assert (body["status"], body["error"]) == ("failed", "Prediction interrupted; please retry (code: PA)")
