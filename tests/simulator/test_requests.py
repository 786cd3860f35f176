"""The requirements on every request: a token, the rate limits, a valid body, a known path."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.settings import RateLimits
from tests.simulator.clients import IMAGE, LIVE, Api
from tests.simulator.conftest import Start

PICTURE = "https://example.com/a.png"


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "bearer"])
def test_both_schemes_of_authorization_are_accepted(api: Api, scheme: str) -> None:
    assert api.get("/account", headers={"Authorization": f"{scheme} r8_x"}).status_code == 200


@pytest.mark.parametrize("header", ["Bearer", "Basic abc", "r8_x"])
def test_unusable_authorization_is_rejected(api: Api, header: str) -> None:
    response = api.get("/account", headers={"Authorization": header})
    assert response.status_code == 401
    assert response.json() == {
        "title": "Unauthenticated",
        "detail": "You did not pass a valid authentication token",
        "status": 401,
    }
    assert response.headers["content-type"] == "application/problem+json"


def test_missing_authorization_is_rejected(api: Api) -> None:
    response = api.get("/account", headers={"Authorization": ""})
    assert (response.status_code, response.json()["title"]) == (401, "Unauthenticated")


def test_only_listed_tokens_are_accepted_if_there_is_a_list(start: Start) -> None:
    api = start(tokens=("r8_right",))
    assert api.get("/account", headers={"Authorization": "Bearer r8_right"}).status_code == 200
    assert api.get("/account", headers={"Authorization": "Bearer r8_wrong"}).status_code == 401


def test_responses_have_the_rest_of_the_rate_limit(start: Start) -> None:
    api = start()
    created = api.create().headers
    read = api.get("/account").headers
    assert (created["ratelimit-remaining"], created["ratelimit-reset"]) == ("599", "1")
    assert (read["ratelimit-remaining"], read["ratelimit-reset"]) == ("2999", "1")


def test_creations_beyond_the_limit_are_throttled_and_come_back(start: Start) -> None:
    api = start(rate_limits=RateLimits(creates_per_min=2))
    assert [api.create().status_code for _ in range(3)] == [201, 201, 429]
    refused = api.create()
    seconds = refused.json()["retry_after"]
    assert refused.json() == {
        "detail": f"Request was throttled. Expected available in {seconds} seconds.",
        "status": 429,
        "retry_after": seconds,
    }
    assert api.get("/account").status_code == 200
    api.control("POST", "/clock", {"advance_s": seconds})
    assert api.create().status_code == 201


def test_rate_limits_can_be_switched_off(start: Start) -> None:
    api = start(rate_limits=RateLimits(creates_per_min=1, enabled=False))
    assert {api.create().status_code for _ in range(5)} == {201}


def test_rejected_requests_create_nothing(api: Api) -> None:
    api.create(IMAGE, {"x": 1})
    api.post("/predictions", json={})
    assert api.get("/predictions").json()["results"] == []
    assert api.bill()["creates"] == 0


def invalid(*fields: tuple[str, str, str]) -> dict[str, Any]:
    """Return the body of a 422 with these fields: type, field, description."""
    lines = [f"- {field}: {text}\n" if field else f"- {text}\n" for _, field, text in fields]
    return {
        "detail": "".join(lines),
        "status": 422,
        "title": "Input validation failed",
        "invalid_fields": [{"type": kind, "field": field, "description": text} for kind, field, text in fields],
    }


def test_body_keys_are_strict(api: Api) -> None:
    response = api.post("/predictions", json={"model": IMAGE, "input": {"prompt": "x"}})
    assert response.status_code == 422
    assert response.json() == invalid(
        ("required", "", "version is required"),
        ("additional_property_not_allowed", "", "Additional property model is not allowed"),
    )


INVALID_INPUTS: list[tuple[str, dict[str, Any], tuple[str, str, str]]] = [
    (IMAGE, {"quality": "low"}, ("required", "input", "prompt is required")),
    (LIVE, {"prompt": "x"}, ("required", "input", "first_frame_image is required")),
    ("openai/gpt-image-1", {"prompt": "x"}, ("required", "input", "openai_api_key is required")),
    (
        IMAGE,
        {"prompt": "x", "number_of_images": 11},
        ("number_lte", "input.number_of_images", "Must be less than or equal to 10"),
    ),
    (
        IMAGE,
        {"prompt": "x", "output_compression": -1},
        ("number_gte", "input.output_compression", "Must be greater than or equal to 0"),
    ),
    (
        IMAGE,
        {"prompt": "x", "output_format": "jpg"},
        ("enum", "input.output_format", 'output_format must be one of the following: "png", "jpeg", "webp"'),
    ),
    (
        "minimax/hailuo-2.3",
        {"prompt": "x", "duration": 7},
        ("enum", "input.duration", "duration must be one of the following: 6, 10"),
    ),
    (IMAGE, {"prompt": 5}, ("invalid_type", "input.prompt", "Invalid type. Expected: string, given: integer")),
    (IMAGE, {"prompt": True}, ("invalid_type", "input.prompt", "Invalid type. Expected: string, given: boolean")),
    (IMAGE, {"prompt": None}, ("invalid_type", "input.prompt", "Invalid type. Expected: string, given: null")),
    (
        IMAGE,
        {"prompt": "x", "input_images": ["nowhere"]},
        ("format", "input.input_images.0", "Does not match format 'uri'"),
    ),
    (
        IMAGE,
        {"prompt": "x", "input_images": [PICTURE] * 17},
        ("array_max_items", "input.input_images", "Array must have at most 16 items"),
    ),
    (
        LIVE,
        {"prompt": "x", "first_frame_image": PICTURE, "prompt_optimizer": "yes"},
        ("invalid_type", "input.prompt_optimizer", "Invalid type. Expected: boolean, given: string"),
    ),
]


@pytest.mark.parametrize(("model", "given", "field"), INVALID_INPUTS)
def test_input_is_checked_against_the_schema_of_the_model(
    api: Api, model: str, given: dict[str, Any], field: tuple[str, str, str]
) -> None:
    response = api.create(model, given)
    assert (response.status_code, response.json()) == (422, invalid(field))


def test_all_errors_of_an_input_are_returned_at_once(api: Api) -> None:
    response = api.create(IMAGE, {"quality": "best", "number_of_images": 0})
    assert [field["type"] for field in response.json()["invalid_fields"]] == ["required", "enum", "number_gte"]


def test_unknown_inputs_are_ignored_by_default(api: Api, start: Start) -> None:
    given = {"prompt": "x", "first_frame_image": PICTURE, "duration": 6}
    assert api.create(LIVE, given).status_code == 201
    refused = start(reject_unknown_inputs=True).create(LIVE, given)
    assert refused.json() == invalid(
        ("additional_property_not_allowed", "input", "Additional property duration is not allowed")
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"webhook": "not a url"}, "webhook"),
        ({"webhook_events_filter": ["done"]}, "webhook_events_filter.0"),
        ({"webhook_events_filter": "start"}, "webhook_events_filter"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_other_keys_of_the_body_are_checked_too(api: Api, body: dict[str, Any], field: str) -> None:
    response = api.create(**body)
    assert response.status_code == 422
    assert response.json()["invalid_fields"][0]["field"] == field


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_body_that_is_not_json_is_rejected(api: Api, content: bytes) -> None:
    response = api.post("/predictions", content=content)
    assert response.status_code == 400
    assert response.json()["detail"].startswith("Invalid JSON")


def test_body_that_is_no_object_is_refused(api: Api) -> None:
    response = api.post("/predictions", json=[])
    assert response.json()["detail"] == "- Invalid type. Expected: object, given: array\n"


def test_unknown_paths_and_methods_are_problems(api: Api) -> None:
    missing, forbidden = api.get("/nothing"), api.http.put("/v1/predictions")
    assert (missing.status_code, missing.json()["status"]) == (404, 404)
    assert (forbidden.status_code, forbidden.json()["detail"]) == (405, 'Method "PUT" not allowed.')
    assert missing.headers["content-type"] == forbidden.headers["content-type"] == "application/problem+json"
