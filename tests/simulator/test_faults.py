"""Each fault of the menu does what it says; `test_every_action_has_a_test` keeps this list complete.

Those of webhooks have a file of their own beside this one.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from simulator.faults.menu import ERRORS, MENU
from tests.simulator.clients import DOWNLOADS, IMAGE, LIVE, Api
from tests.simulator.conftest import Start
from tests.support.eventually import eventually

LOST = (httpx.ReadError, httpx.RemoteProtocolError)


def test_every_action_has_a_test() -> None:
    text = "".join(file.read_text("utf-8") for file in Path(__file__).parent.glob("test_faults*.py"))
    used = set(re.findall(r'fault\(\s*"([a-z_]+)"', text)) | set(re.findall(r'^    \("([a-z_]+)",', text, re.MULTILINE))
    assert set(MENU) - used == set()


def creates(api: Api) -> int:
    """Return how many creations were accepted."""
    count: int = api.bill()["creates"]
    return count


# -- in place of an answer


@pytest.mark.parametrize(
    ("action", "status", "title"),
    [
    ("unauthorized", 401, "Unauthenticated"),
    ("payment_required", 402, "Insufficient credit"),
    ("not_found", 404, None),
    ],
)  # fmt: skip
def test_refusals_have_the_real_bodies_and_create_nothing(
    api: Api, action: str, status: int, title: str | None
) -> None:
    api.fault(action)
    response = api.create()
    assert (response.status_code, response.json().get("title"), creates(api)) == (status, title, 0)
    assert response.headers["content-type"] == "application/problem+json"


def test_throttle_speaks_the_older_words(api: Api) -> None:
    api.fault("throttle", {"retry_after_s": 1})
    response = api.create()
    expected = {"detail": "Request was throttled. Expected available in 1 second.", "status": 429, "retry_after": 1}
    assert (response.status_code, response.json(), creates(api)) == (429, expected, 0)
    assert "retry-after" not in response.headers


def test_throttle_low_credit_tells_of_the_reduced_limit(api: Api) -> None:
    api.fault("throttle_low_credit", {"retry_after_s": 7})
    body = api.create().json()
    assert "reduced to 6 requests per minute with a burst of 1" in body["detail"]
    assert body["detail"].endswith("Your rate limit resets in ~7s.")
    assert body["retry_after"] == 7


def test_throttle_tells_the_time_where_it_is_told_to(api: Api) -> None:
    api.fault("throttle", {"retry_after_s": 3, "in_header": True, "in_body": False})
    response = api.create()
    assert response.headers["retry-after"] == "3"
    assert "retry_after" not in response.json()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_error_is_an_html_page_or_nothing(api: Api, status: int) -> None:
    api.fault("server_error", {"status": status}, nth=1)
    api.fault("server_error", {"status": status, "html": False}, nth=1)
    page, empty = api.create(), api.create()
    assert (page.status_code, empty.status_code, empty.content) == (status, status, b"")
    assert page.headers["content-type"].startswith("text/html")
    assert str(status) in page.text
    assert creates(api) == 0


def test_stall_waits_and_then_handles_the_request(api: Api) -> None:
    api.fault("stall", {"seconds": 1.0}, count=1)
    with pytest.raises(httpx.ReadTimeout):
        api.post(f"/models/{IMAGE}/predictions", json={"input": {"prompt": "x"}}, timeout=0.1)
    eventually(lambda: creates(api) == 1)


def test_hang_before_accept_never_answers_and_creates_nothing(api: Api) -> None:
    api.fault("hang_before_accept")
    with pytest.raises(httpx.ReadTimeout):
        api.post(f"/models/{IMAGE}/predictions", json={"input": {"prompt": "x"}}, timeout=0.2)
    assert creates(api) == 0


def test_reset_before_accept_resets_the_connection_and_creates_nothing(api: Api) -> None:
    api.fault("reset_before_accept")
    with pytest.raises(httpx.ReadError, match="reset"):
        api.create()
    assert creates(api) == 0


# -- after the request was accepted


def test_hang_after_accept_loses_the_answer_while_the_prediction_runs(api: Api) -> None:
    api.fault("hang_after_accept", operation="predictions.create")
    with pytest.raises(httpx.ReadTimeout):
        api.post(f"/models/{IMAGE}/predictions", json={"input": {"prompt": "x"}}, timeout=0.2)
    (orphan,) = api.get("/predictions").json()["results"]
    assert api.until(orphan["id"])["status"] == "succeeded"
    assert creates(api) == 1


def test_reset_after_accept_leaves_an_orphan(api: Api) -> None:
    api.fault("reset_after_accept", operation="predictions.create")
    with pytest.raises(httpx.ReadError, match="reset"):
        api.create()
    assert creates(api) == 1


def test_error_after_accept_leaves_an_orphan(api: Api) -> None:
    api.fault("error_after_accept", {"status": 504}, operation="predictions.create")
    assert (api.create().status_code, creates(api)) == (504, 1)


def test_nothing_goes_wrong_after_a_refusal(api: Api) -> None:
    api.fault("error_after_accept")
    assert api.create(IMAGE, {"quality": "low"}).status_code == 422


def test_slow_body_comes_in_pieces(api: Api) -> None:
    api.fault("slow_body", {"seconds": 0.2})
    with api.http.stream("GET", "/v1/predictions") as response:
        pieces = list(response.iter_raw())
    assert response.status_code == 200
    assert len(pieces) > 1


def test_cut_body_ends_in_the_middle(api: Api) -> None:
    api.fault("cut_body", {"part": 0.5})
    with pytest.raises(LOST):
        api.create()
    assert creates(api) == 1


def test_garble_body_is_no_json(api: Api) -> None:
    api.fault("garble_body")
    response = api.get("/predictions")
    assert response.status_code == 200
    assert response.text.startswith("<!DOCTYPE html>")


# -- in the prediction's life


@pytest.mark.parametrize("code", list(ERRORS))
def test_fail_ends_with_the_text_of_the_code(api: Api, code: str) -> None:
    api.fault("fail", {"code": code})
    body = api.finished()
    assert (body["status"], body["error"], body["output"]) == ("failed", ERRORS[code], None)
    assert api.bill()["total_usd"] == 0


def test_fail_ends_with_any_text(api: Api) -> None:
    api.fault("fail", {"error": "ModelError: out of paint"})
    assert api.finished()["error"] == "ModelError: out of paint"


def test_abort_ends_before_the_start(api: Api) -> None:
    api.fault("abort")
    body = api.finished()
    assert (body["status"], "started_at" in body, api.bill()["total_usd"]) == ("aborted", False, 0)


def test_unknown_status_is_shown_at_the_end(api: Api) -> None:
    api.fault("unknown_status", {"status": "paused"})
    assert api.until(api.created()["id"], "paused")["output"]


def test_stick_starting_stays_until_it_is_given_up(start: Start) -> None:
    api = start(speed=1.0)
    api.fault("stick_starting")
    prediction_id = api.created()["id"]
    api.control("POST", "/clock", {"advance_s": 1790})
    assert api.prediction(prediction_id)["status"] == "starting"
    api.control("POST", "/clock", {"advance_s": 20})
    assert "E6716" in api.until(prediction_id)["error"]


def test_stick_processing_stays_until_it_is_given_up(start: Start) -> None:
    api = start(speed=1.0)
    api.fault("stick_processing")
    prediction_id = api.created()["id"]
    api.control("POST", "/clock", {"advance_s": 5})
    api.until(prediction_id, "processing")
    api.control("POST", "/clock", {"advance_s": 1700})
    assert api.prediction(prediction_id)["status"] == "processing"
    api.control("POST", "/clock", {"advance_s": 200})
    assert "timed out" in api.until(prediction_id)["error"]


def test_slow_run_takes_longer(start: Start) -> None:
    api = start(speed=1.0)
    api.fault("slow_run", {"factor": 100}, count=1)
    slow, usual = api.created()["id"], api.created()["id"]
    api.control("POST", "/clock", {"advance_s": 5})
    for prediction_id in (slow, usual):
        api.until(prediction_id, "processing")
    api.control("POST", "/clock", {"advance_s": 200})
    assert api.until(usual)["status"] == "succeeded"
    assert api.prediction(slow)["status"] == "processing"


@pytest.mark.parametrize(("model", "output"), [(IMAGE, []), (LIVE, None)])
def test_empty_output_succeeds_with_nothing(api: Api, model: str, output: Any) -> None:
    api.fault("empty_output")
    body = api.finished(model)
    assert (body["status"], body["output"]) == ("succeeded", output)


@pytest.mark.parametrize(("model", "kind"), [(IMAGE, str), (LIVE, list)])
def test_wrong_output_type_swaps_list_and_single(api: Api, model: str, kind: type) -> None:
    api.fault("wrong_output_type")
    assert isinstance(api.finished(model)["output"], kind)


@pytest.mark.parametrize(("shape", "kind"), [("object", dict), ("null", list), ("inline", str)])
def test_odd_output_gives_no_address(api: Api, shape: str, kind: type) -> None:
    api.fault("odd_output", {"shape": shape})
    output = api.finished()["output"]
    assert isinstance(output, kind)
    assert "http" not in str(output)


def test_truncate_file_serves_the_first_part(api: Api) -> None:
    whole = DOWNLOADS.get(api.finished()["output"][0]).content
    api.fault("truncate_file", {"part": 0.25})
    part = DOWNLOADS.get(api.finished()["output"][0]).content
    assert part == whole[: len(whole) // 4]


@pytest.mark.parametrize(("kind", "begins"), [("html", b"<!DOCTYPE"), ("gif", b"GIF8"), ("text", b"ffconcat")])
def test_wrong_file_type_serves_something_else(api: Api, kind: str, begins: bytes) -> None:
    api.fault("wrong_file_type", {"type": kind})
    response = DOWNLOADS.get(api.finished(LIVE)["output"])
    assert response.headers["content-type"] == "video/mp4"
    assert response.content.startswith(begins)


def test_foreign_output_ignores_the_input_picture(drawing: Api) -> None:
    given = {"prompt": "x", "input_images": [_picture_uri()], "output_format": "png"}
    own = _colour(DOWNLOADS.get(drawing.finished(IMAGE, given)["output"][0]).content)
    drawing.fault("foreign_output")
    foreign = _colour(DOWNLOADS.get(drawing.finished(IMAGE, given)["output"][0]).content)
    assert own[0] > 200 > foreign[0]


def _picture_uri() -> str:
    out = io.BytesIO()
    Image.new("RGB", (400, 400), (255, 0, 0)).save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def _colour(png: bytes) -> tuple[int, ...]:
    with Image.open(io.BytesIO(png)) as image:
        pixel = image.convert("RGB").getpixel((10, 10))
    assert isinstance(pixel, tuple)
    return tuple(int(part) for part in pixel)


def frames(url: str) -> Iterator[av.VideoFrame]:
    """Yield the frames of a video."""
    with av.open(io.BytesIO(DOWNLOADS.get(url).content), "r") as container:
        yield from container.decode(video=0)


def test_odd_size_video_has_odd_sides(api: Api) -> None:
    api.fault("odd_size_video")
    first = next(frames(api.finished(LIVE)["output"]))
    assert (first.width % 2, first.height % 2) == (1, 1)


def test_variable_rate_video_has_uneven_steps(api: Api) -> None:
    api.fault("variable_rate_video")
    times = [frame.time for frame in frames(api.finished(LIVE)["output"])]
    steps = {round(later - earlier, 3) for earlier, later in pairwise(times)}
    assert len(times) == 150
    assert len(steps) > 3


def test_expire_output_removes_the_data_early(api: Api) -> None:
    api.fault("expire_output", {"seconds": 0})
    prediction_id = api.created()["id"]
    body = eventually(lambda: found if (found := api.prediction(prediction_id))["data_removed"] else None)
    assert (body["status"], body["output"]) == ("succeeded", None)


def test_lose_file_leaves_a_url_without_a_file(api: Api) -> None:
    api.fault("lose_file")
    assert DOWNLOADS.get(api.finished()["output"][0]).status_code == 404


def test_list_late_hides_a_prediction_for_a_while(start: Start) -> None:
    api = start()
    api.fault("list_late", {"seconds": 60})
    finished = api.finished()
    assert api.get("/predictions").json()["results"] == []
    api.control("POST", "/clock", {"advance_s": 61})
    assert [each["id"] for each in api.get("/predictions").json()["results"]] == [finished["id"]]


# -- on the delivery listener


def test_rules_for_the_delivery_listener_leave_the_api_alone(api: Api) -> None:
    url = api.finished()["output"][0]
    api.fault("server_error", {"status": 503}, listener="delivery", count=1)
    api.fault("cut_body", listener="delivery", model="openai/*")
    assert api.get("/account").status_code == 200
    assert DOWNLOADS.get(url).status_code == 503
    with pytest.raises(LOST):
        DOWNLOADS.get(url)
