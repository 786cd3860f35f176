"""Outputs: their content and delivery, and the inputs that a model cannot read."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import av
import pytest
from PIL import Image

from simulator.media import video_size_px
from tests.simulator.clients import DOWNLOADS, IMAGE, LIVE, Api
from tests.simulator.conftest import Start
from tests.simulator.uploads import RED, data_uri, picture
from tests.support.eventually import eventually

BLUE = (20, 20, 220)


def opened(content: bytes) -> Image.Image:
    """Return a picture, read."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def first_frame(video: bytes) -> Image.Image:
    """Return the first frame of a video."""
    with av.open(io.BytesIO(video), "r") as container:
        frame = next(container.decode(video=0))
        return Image.fromarray(frame.to_ndarray(format="rgb24"))


def is_near(image: Image.Image, colour: tuple[int, int, int]) -> bool:
    """Return whether the middle of a picture has about this colour."""
    pixel = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
    assert isinstance(pixel, tuple)
    return all(abs(part - wanted) < 60 for part, wanted in zip(pixel, colour, strict=True))


@pytest.fixture
def web() -> Iterator[str]:
    """The address of a web server that serves /red.png, and 404 for everything else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path.startswith("/red.png")
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(picture() if found else b"")

        def log_message(self, format: str, *arguments: Any) -> None:
            """Log nothing, so that the tests' output stays clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def file_of(body: dict[str, Any]) -> bytes:
    """Download the first output of a prediction that succeeded."""
    assert body["status"] == "succeeded", body["error"]
    output = body["output"]
    return DOWNLOADS.get(output[0] if isinstance(output, list) else output).content


@pytest.mark.parametrize(
    ("given", "size_px", "kind"),
    [
        ({}, (1024, 1024), "WEBP"),
        ({"aspect_ratio": "3:2", "output_format": "png"}, (1536, 1024), "PNG"),
        ({"aspect_ratio": "16:9", "output_format": "jpeg"}, (2048, 1152), "JPEG"),
        ({"aspect_ratio": "1152x2048"}, (1152, 2048), "WEBP"),
    ],
)
def test_picture_has_the_requested_size_and_format(
    api: Api, given: dict[str, Any], size_px: tuple[int, int], kind: str
) -> None:
    image = opened(file_of(api.finished(IMAGE, {"prompt": "x", **given})))
    assert (image.size, image.format) == (size_px, kind)


@pytest.mark.parametrize(
    ("model", "given", "size_px", "fps", "frames"),
    [
        (LIVE, {}, (1280, 720), 25, 150),
        ("minimax/hailuo-2.3", {"duration": 10}, (1366, 768), 24, 240),
        ("minimax/hailuo-02", {"resolution": "512p"}, (910, 512), 24, 144),
    ],
)
def test_video_has_the_size_rate_and_length_of_its_model(
    drawing: Api, model: str, given: dict[str, Any], size_px: tuple[int, int], fps: int, frames: int
) -> None:
    body = drawing.finished(model, {"prompt": "x", "first_frame_image": data_uri(picture()), **given})
    with av.open(io.BytesIO(file_of(body)), "r") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == size_px
        assert stream.guessed_rate == fps
        assert sum(1 for packet in container.demux(video=0) if packet.size) == frames


def test_video_keeps_the_proportions_of_its_first_frame() -> None:
    assert video_size_px(picture(size_px=(400, 800)), 720) == (720, 1440)
    assert video_size_px(picture(size_px=(501, 401)), 768) == (960, 768)


def test_inputs_are_read_from_data_files_outputs_and_the_web(drawing: Api, web: str) -> None:
    uploaded = drawing.post("/files", files={"content": ("a.png", picture())}).json()["urls"]["get"]
    made = drawing.finished(IMAGE, {"prompt": "x", "input_images": [data_uri(picture())], "output_format": "png"})
    for uri in (data_uri(picture()), uploaded, made["output"][0], f"{web}/red.png?signature=s"):
        body = drawing.finished(LIVE, {"prompt": "x", "first_frame_image": uri})
        assert is_near(first_frame(file_of(body)), RED)
        assert body["input"]["first_frame_image"] == uri


def test_output_depends_on_the_first_input_picture(drawing: Api) -> None:
    pictures = [data_uri(picture(BLUE)), data_uri(picture(RED))]
    body = drawing.finished(IMAGE, {"prompt": "x", "input_images": pictures, "output_format": "png"})
    assert is_near(opened(file_of(body)), BLUE)


def test_equal_predictions_share_one_drawing_and_different_ones_do_not(start: Start) -> None:
    api = start(canned=False)

    def draw(**given: Any) -> int:
        api.finished(IMAGE, {"prompt": "x", "input_images": [data_uri(picture())], **given})
        drawn: int = api.background.state.easel.drawn
        return drawn

    assert [draw(), draw(), draw(user_id="someone"), draw(prompt="y"), draw(prompt="y")] == [1, 1, 1, 2, 2]


def test_cache_of_drawings_is_bounded(start: Start) -> None:
    api = start(canned=False, media_cache_bytes=1)
    for prompt in ("a", "b", "a"):
        api.finished(IMAGE, {"prompt": prompt})
    assert api.background.state.easel.drawn == 3


UNREADABLE = [
    ("http://127.0.0.1:9/a.png", "ConnectError"),
    ("{web}/missing.png?secret=s", "HTTP status 404"),
    ("data:image/png;base64,!!!", "Failed to decode"),
    (data_uri(b"not a picture"), "not a supported image file"),
    (data_uri(picture()[:-30]), "not a supported image file"),
    (data_uri(picture(kind="GIF")), "format GIF is not supported"),
    (data_uri(picture(size_px=(300, 500))), "short side must be over 300 px"),
    (data_uri(picture(size_px=(1100, 400))), "aspect ratio"),
]


@pytest.mark.parametrize(("uri", "reason"), UNREADABLE)
def test_unreadable_input_fails_the_prediction(drawing: Api, web: str, uri: str, reason: str) -> None:
    body = drawing.finished(LIVE, {"prompt": "x", "first_frame_image": uri.format(web=web)})
    assert body["status"] == "failed"
    assert reason in body["error"]
    assert "secret" not in body["error"]
    assert body["error"] in body["logs"]


def test_image_models_accept_more_pictures_than_video_models(drawing: Api) -> None:
    given = {"prompt": "x", "input_images": [data_uri(picture(size_px=(50, 50), kind="GIF"))]}
    assert drawing.finished(IMAGE, given)["status"] == "succeeded"


@pytest.mark.parametrize(
    ("model", "given", "reason"),
    [
        ("minimax/hailuo-02", {"duration": 10, "resolution": "1080p"}, "10 second"),
        ("minimax/hailuo-02", {"duration": 10}, "10 second"),
        (LIVE, {"prompt": "x" * 2001}, "2000 characters"),
    ],
)
def test_models_fail_on_unsupported_inputs(api: Api, model: str, given: dict[str, Any], reason: str) -> None:
    body = api.finished(model, {"prompt": "x", "first_frame_image": "data:image/png;base64,", **given})
    assert body["status"] == "failed"
    assert reason in body["error"]


def test_drawing_that_fails_ends_the_prediction_and_is_retried(start: Start) -> None:
    api = start(canned=False)
    easel = api.background.state.easel
    studio, easel.studio = easel.studio, None  # type: ignore[assignment]
    body = api.finished()
    assert (body["status"], body["error"]) == ("failed", "Director: unexpected error handling prediction (E9828)")
    easel.studio = studio
    assert api.finished()["status"] == "succeeded"


def test_canceling_one_prediction_leaves_another_its_shared_drawing(start: Start) -> None:
    api = start(canned=False, speed=1.0)
    first, second = (api.created()["id"] for _ in range(2))
    api.control("POST", "/clock", {"advance_s": 5})
    eventually(lambda: api.prediction(second)["status"] == "processing")
    api.post(f"/predictions/{first}/cancel")
    api.control("POST", "/clock", {"advance_s": 200})
    eventually(lambda: api.prediction(second)["output"])
    assert api.prediction(first)["status"] == "canceled"


@pytest.fixture
def url(api: Api) -> str:
    """The address of an output file."""
    output: str = api.finished()["output"][0]
    return output


def test_delivery_needs_no_token_and_sends_type_and_length(url: str) -> None:
    whole = DOWNLOADS.get(url)
    assert whole.headers["content-type"] == "image/webp"
    assert whole.headers["accept-ranges"] == "bytes"
    head = DOWNLOADS.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert head.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize(
    ("requested", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=5-", slice(5, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=0-99999999", slice(None)),
    ],
)
def test_delivery_serves_ranges(url: str, requested: str, part: slice) -> None:
    whole = DOWNLOADS.get(url).content
    response = DOWNLOADS.get(url, headers={"Range": requested})
    assert (response.status_code, response.content) == (206, whole[part])
    start = range(len(whole))[part].start
    assert response.headers["content-range"] == f"bytes {start}-{start + len(whole[part]) - 1}/{len(whole)}"


def test_delivery_rejects_ranges_beyond_the_file(url: str) -> None:
    size = len(DOWNLOADS.get(url).content)
    response = DOWNLOADS.get(url, headers={"Range": f"bytes={size}-"})
    assert (response.status_code, response.headers["content-range"]) == (416, f"bytes */{size}")


def test_delivery_serves_only_its_files_and_only_reads(api: Api, url: str) -> None:
    assert DOWNLOADS.get(f"{api.background.delivery_url}/xezq/none/out-0.webp").status_code == 404
    assert DOWNLOADS.post(url).status_code == 405
