"""The simulator's own operations: the bill, the counters, the clock, reset."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.simulator.clients import IMAGE, LIVE, Api
from tests.simulator.conftest import Start
from tests.support.eventually import eventually, scaled


def test_bill_sums_by_model_and_token_and_finds_duplicates(api: Api) -> None:
    hook = "http://127.0.0.1:9/hook?other=1&token="
    low = {"prompt": "x", "quality": "low"}
    first = api.created(IMAGE, {**low, "number_of_images": 2}, webhook=hook + "a")
    second = api.created(IMAGE, low, webhook=hook + "a")
    api.created(LIVE, webhook=hook + "b")
    api.created(IMAGE, low)
    bill = api.bill()
    assert (bill["creates"], bill["total_usd"]) == (4, 0.548)
    assert bill["by_model"] == {
        IMAGE: {"creates": 3, "total_usd": 0.048},
        LIVE: {"creates": 1, "total_usd": 0.5},
    }
    assert bill["by_token"]["a"] == {
        "creates": 2,
        "total_usd": 0.036,
        "predictions": [first["id"], second["id"]],
    }
    assert (bill["duplicates"], bill["without_token"]) == (["a"], 1)


def test_failed_predictions_are_on_the_bill_at_no_cost(api: Api) -> None:
    api.fault("fail")
    api.finished()
    assert api.bill()["by_status"] == {"failed": 1}
    assert (api.bill()["creates"], api.bill()["total_usd"]) == (1, 0)


def test_counters_count_operations_and_their_responses(api: Api) -> None:
    prediction_id = api.created()["id"]
    api.get(f"/predictions/{prediction_id}")
    api.get("/predictions/none")
    counters = api.control("GET", "/counters")
    assert counters["requests"]["predictions.get"] == 2
    assert counters["responses"]["predictions.get 200"] == counters["responses"]["predictions.get 404"] == 1
    assert counters["responses"]["models.predictions.create 201"] == 1


def test_the_date_of_every_response_is_the_simulators_own(start: Start) -> None:
    api = start(clock_ahead_s=-7200.0)
    for response in (api.get("/account"), api.get("/nosuch"), httpx.get(f"{api.background.delivery_url}/nosuch")):
        ahead = parsedate_to_datetime(response.headers["date"]) - datetime.now(UTC)
        assert abs(ahead + timedelta(hours=2)) < timedelta(seconds=30)
        assert response.headers.get_list("date") == [response.headers["date"]]


def test_reset_removes_everything_that_was_added(api: Api) -> None:
    running = api.created()["id"]
    api.post("/files", files={"content": ("a", b"1")})
    api.fault("fail")
    api.control("POST", "/reset")
    assert api.get(f"/predictions/{running}").status_code == 404
    assert api.get("/files").json()["results"] == []
    assert api.control("GET", "/faults")["rules"] == []
    assert api.bill()["creates"] == 0
    assert api.finished()["status"] == "succeeded"


def test_reset_responds_to_requests_that_wait(start: Start) -> None:
    api = start(speed=100.0)
    api.fault("stick_processing")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(api.create, headers={"Prefer": "wait"})
        eventually(lambda: api.bill()["creates"])
        api.control("POST", "/reset")
        assert waiting.result(scaled(10)).json()["status"] in ("starting", "processing")


def test_reset_fills_the_rate_limits(start: Start) -> None:
    api = start()
    api.create()
    api.control("POST", "/reset")
    assert api.create().headers["ratelimit-remaining"] == "599"


def test_clock_moves_ahead_only(api: Api) -> None:
    for body in ({"advance_s": -1}, {"advance_s": "x"}, {}, {"advance_s": True}):
        assert api.http.post("/_simulator/clock", json=body).status_code == 400


def test_clock_stays_within_times_that_can_be_written(start: Start) -> None:
    api = start()
    statuses = [
        api.http.post("/_simulator/clock", json={"advance_s": advance_s}).status_code
        for advance_s in (1e12, 3_000_000_000, 3_000_000_000)
    ]
    assert statuses == [400, 200, 400]
    assert api.create().status_code == 201
    assert api.get("/predictions").status_code == 200


def test_moved_clock_shows_in_new_predictions(start: Start) -> None:
    api = start()
    before = datetime.fromisoformat(api.created()["created_at"])
    assert api.control("POST", "/clock", {"advance_s": 3600}) == {"ahead_s": 3600}
    after = datetime.fromisoformat(api.created()["created_at"])
    assert after - before >= timedelta(hours=1)


@pytest.mark.parametrize("path", ["", "/faults", "/faults/menu", "/bill", "/counters", "/webhooks"])
def test_control_needs_no_token_and_is_exempt_from_faults(api: Api, path: str) -> None:
    api.fault("unauthorized")
    assert api.http.get(f"/_simulator{path}", headers={"Authorization": ""}).status_code == 200
