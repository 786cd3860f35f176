"""The list of predictions: order, pages, filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.pages import PAGE_SIZE
from simulator.serve import Background
from simulator.settings import RateLimits, SimulatorSettings
from simulator.sketch import Sketch
from tests.simulator.clients import Api
from tests.simulator.conftest import Start

Many = tuple[Api, list[dict[str, Any]]]


def walk(api: Api, url: str, direction: str = "next") -> list[list[str]]:
    """Return the ids on each page, following links as they are given."""
    pages = []
    following: str | None = url
    while following is not None:
        body = api.http.get(following).json()
        pages.append([each["id"] for each in body["results"]])
        following = body[direction]
    return pages


@pytest.fixture(scope="module")
def many() -> Iterator[Many]:
    """A simulator with 250 predictions, in order of creation, which tests must not change."""
    settings = SimulatorSettings(instant=True, rate_limits=RateLimits(enabled=False))
    with Background(settings, Sketch()) as background, Api(background) as api:
        yield api, [api.created() for _ in range(250)]


def test_pages_have_a_hundred_newest_first(many: Many) -> None:
    api, made = many
    pages = walk(api, "/v1/predictions")
    assert [len(page) for page in pages] == [PAGE_SIZE, PAGE_SIZE, 50]
    assert [each for page in pages for each in page] == [each["id"] for each in reversed(made)]


def test_links_are_absolute_and_on_the_simulators_own_address(many: Many) -> None:
    api, _ = many
    first = api.get("/predictions").json()
    assert first["previous"] is None
    assert first["next"].startswith(f"{api.background.api_url}/v1/predictions?cursor=")


def test_previous_leads_back(many: Many) -> None:
    api, _ = many
    last = api.get("/predictions").json()
    while last["next"]:
        last = api.http.get(last["next"]).json()
    back = walk(api, last["previous"], "previous")
    assert back == list(reversed(walk(api, "/v1/predictions")[:-1]))


def test_new_predictions_do_not_shift_later_pages(start: Start) -> None:
    api = start(instant=True)
    oldest = api.created()["id"]
    for _ in range(PAGE_SIZE):
        api.created()
    following = api.get("/predictions").json()["next"]
    api.created()
    assert [each["id"] for each in api.http.get(following).json()["results"]] == [oldest]


def test_created_after_includes_the_moment_and_created_before_does_not(
    many: Many,
) -> None:
    api, made = many
    query = {"created_after": made[10]["created_at"], "created_before": made[20]["created_at"]}
    found = api.get("/predictions", params=query).json()["results"]
    assert [each["id"] for each in found] == [each["id"] for each in reversed(made[10:20])]


def test_filters_are_kept_from_page_to_page(many: Many) -> None:
    api, made = many
    pages = walk(
        api, str(api.http.build_request("GET", "/v1/predictions", params={"created_after": made[40]["created_at"]}).url)
    )
    assert [len(page) for page in pages] == [100, 100, 10]


def test_times_with_an_offset_are_parsed(many: Many) -> None:
    api, _ = many
    for later in ("2999-01-01T00:00:00+02:00", "2999-01-01", "2999-01-01T00:00:00Z"):
        assert api.get("/predictions", params={"created_after": later}).json()["results"] == []
    unescaped = api.http.get("/v1/predictions?created_after=2000-01-01T00:00:00+02:00").json()
    assert len(unescaped["results"]) == PAGE_SIZE


@pytest.mark.parametrize("query", [{"created_after": "yesterday"}, {"cursor": "%%%"}, {"cursor": "eA=="}])
def test_invalid_filters_are_rejected(api: Api, query: dict[str, str]) -> None:
    assert api.get("/predictions", params=query).status_code == 400


def test_no_prediction_comes_from_the_web(many: Many) -> None:
    api, _ = many
    assert api.get("/predictions", params={"source": "web"}).json()["results"] == []


def test_list_shows_the_same_objects_as_get(api: Api) -> None:
    finished = api.finished(webhook="http://127.0.0.1:9/x?token=t")
    assert api.get("/predictions").json()["results"] == [finished]
    assert finished["webhook"].endswith("token=t")
