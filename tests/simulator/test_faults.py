"""Each fault of the menu does what it says; `test_every_action_has_a_test` keeps this list complete.

Those of predictions and of webhooks have a file of their own beside this one.
"""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from simulator.faults.menu import MENU
from tests.simulator.clients import DOWNLOADS, IMAGE, Api
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


# -- in place of a response


@pytest.mark.parametrize(
    ("action", "status", "title"),
    [
    ("unauthorized", 401, "Unauthenticated"),
    ("payment_required", 402, "Insufficient credit"),
    ("not_found", 404, None),
    ],
)  # fmt: skip
def test_rejections_have_the_real_bodies_and_create_nothing(
    api: Api, action: str, status: int, title: str | None
) -> None:
    api.fault(action)
    response = api.create()
    assert (response.status_code, response.json().get("title"), creates(api)) == (status, title, 0)
    assert response.headers["content-type"] == "application/problem+json"


def test_throttle_has_the_older_text(api: Api) -> None:
    api.fault("throttle", {"retry_after_s": 1})
    response = api.create()
    expected = {"detail": "Request was throttled. Expected available in 1 second.", "status": 429, "retry_after": 1}
    assert (response.status_code, response.json(), creates(api)) == (429, expected, 0)
    assert "retry-after" not in response.headers


def test_throttle_low_credit_names_the_reduced_limit(api: Api) -> None:
    api.fault("throttle_low_credit", {"retry_after_s": 7})
    body = api.create().json()
    assert "reduced to 6 requests per minute with a burst of 1" in body["detail"]
    assert body["detail"].endswith("Your rate limit resets in ~7s.")
    assert body["retry_after"] == 7


def test_throttle_can_give_the_time_in_the_header_only(api: Api) -> None:
    api.fault("throttle", {"retry_after_s": 3, "in_header": True, "in_body": False})
    response = api.create()
    assert response.headers["retry-after"] == "3"
    assert "retry_after" not in response.json()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_error_is_an_html_page_or_empty(api: Api, status: int) -> None:
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


def test_hang_before_accept_never_responds_and_creates_nothing(api: Api) -> None:
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


def test_hang_after_accept_loses_the_response_while_the_prediction_runs(api: Api) -> None:
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


def test_no_fault_follows_a_rejection(api: Api) -> None:
    api.fault("error_after_accept")
    assert api.create(IMAGE, {"quality": "low"}).status_code == 422


def test_slow_body_arrives_in_pieces(api: Api) -> None:
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


def test_garble_body_is_not_json(api: Api) -> None:
    api.fault("garble_body")
    response = api.get("/predictions")
    assert response.status_code == 200
    assert response.text.startswith("<!DOCTYPE html>")


# -- on the delivery listener


def test_rules_for_the_delivery_listener_leave_the_api_alone(api: Api) -> None:
    url = api.finished()["output"][0]
    api.fault("server_error", {"status": 503}, listener="delivery", count=1)
    api.fault("cut_body", listener="delivery", model="openai/*")
    assert api.get("/account").status_code == 200
    assert DOWNLOADS.get(url).status_code == 503
    with pytest.raises(LOST):
        DOWNLOADS.get(url)
