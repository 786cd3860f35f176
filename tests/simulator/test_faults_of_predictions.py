"""The faults of predictions and their outputs: failures, odd statuses, and files that are not what they should be."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from simulator.faults.menu import ERRORS
from tests.simulator.clients import DOWNLOADS, IMAGE, LIVE, Api
from tests.simulator.conftest import Start
from tests.support.eventually import eventually


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


def test_stick_starting_stays_until_it_times_out(start: Start) -> None:
    api = start(speed=1.0)
    api.fault("stick_starting")
    prediction_id = api.created()["id"]
    api.control("POST", "/clock", {"advance_s": 1790})
    assert api.prediction(prediction_id)["status"] == "starting"
    api.control("POST", "/clock", {"advance_s": 20})
    assert "E6716" in api.until(prediction_id)["error"]


def test_stick_processing_stays_until_it_times_out(start: Start) -> None:
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
def test_empty_output_succeeds_without_output(api: Api, model: str, output: Any) -> None:
    api.fault("empty_output")
    body = api.finished(model)
    assert (body["status"], body["output"]) == ("succeeded", output)


@pytest.mark.parametrize(("model", "kind"), [(IMAGE, str), (LIVE, list)])
def test_wrong_output_type_swaps_a_list_and_a_single_url(api: Api, model: str, kind: type) -> None:
    api.fault("wrong_output_type")
    assert isinstance(api.finished(model)["output"], kind)


@pytest.mark.parametrize(("shape", "kind"), [("object", dict), ("null", list), ("inline", list), ("inline_text", str)])
def test_odd_output_has_no_url(api: Api, shape: str, kind: type) -> None:
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


def test_unrelated_video_has_the_same_form_and_shows_something_else(api: Api) -> None:
    given = list(frames(api.finished(LIVE)["output"]))
    api.fault("unrelated_video")
    other = list(frames(api.finished(LIVE)["output"]))
    assert [(each.width, each.height, each.time) for each in other] == [
        (each.width, each.height, each.time) for each in given
    ]
    first, last, shown = (Image.fromarray(each.to_ndarray(format="rgb24")) for each in (other[0], other[-1], given[0]))
    assert ImageStat.Stat(ImageChops.difference(first, shown)).mean[0] > 20
    assert ImageChops.difference(first, last).getbbox() is not None


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
