"""Fault rules: the requests that they apply to, their timing, and the errors of invalid ones."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.faults.menu import MENU
from tests.simulator.clients import IMAGE, LIVE, Api
from tests.simulator.conftest import Start


def refused(api: Api, model: str = IMAGE, prompt: str = "x") -> bool:
    """Create a prediction and return whether the fault applied."""
    given = {"prompt": prompt, "first_frame_image": "data:image/png;base64,"}
    return api.create(model, given).status_code == 402


@pytest.mark.parametrize(
    ("rule", "hit"),
    [
        ({}, True),
        ({"model": IMAGE}, True),
        ({"model": "openai/*"}, True),
        ({"model": "minimax/*"}, False),
        ({"operation": "models.predictions.create"}, True),
        ({"operation": "predictions.create"}, True),
        ({"operation": "predictions.get"}, False),
        ({"method": "POST", "path": "/v1/models/*/predictions"}, True),
        ({"method": "GET"}, False),
        ({"prompt": "Needle"}, True),
        ({"prompt": "absent"}, False),
        ({"listener": "delivery"}, False),
    ],
)
def test_rule_applies_to_what_matches_all_its_conditions(api: Api, rule: dict[str, Any], hit: bool) -> None:
    api.fault("payment_required", **rule)
    assert refused(api, prompt="a needle in the hay") is hit


def test_rule_for_a_model_applies_to_its_predictions(api: Api) -> None:
    image, video = api.finished(IMAGE), api.finished(LIVE)
    api.fault("not_found", operation="predictions.get", model="minimax/*")
    assert api.get(f"/predictions/{image['id']}").status_code == 200
    assert api.get(f"/predictions/{video['id']}").status_code == 404


def test_rule_for_a_model_applies_to_creation_by_version(api: Api) -> None:
    api.fault("payment_required", model=IMAGE)
    assert api.post("/predictions", json={"version": IMAGE, "input": {"prompt": "x"}}).status_code == 402


def test_nth_counts_the_matches(api: Api) -> None:
    api.fault("payment_required", nth=[2, 4], model=IMAGE)
    refused(api, LIVE)
    assert [refused(api) for _ in range(5)] == [False, True, False, True, False]


def test_count_ends_a_rule(api: Api) -> None:
    api.fault("payment_required", count=2)
    assert [refused(api) for _ in range(3)] == [True, True, False]


def test_probability_is_repeatable_with_a_seed(api: Api) -> None:
    runs = []
    for _ in range(2):
        api.fault("payment_required", probability=0.5, seed=3)
        runs.append([refused(api) for _ in range(20)])
        api.control("DELETE", "/faults")
    assert runs[0] == runs[1]
    assert 0 < sum(runs[0]) < 20


def test_for_s_ends_a_rule_when_its_time_is_over(start: Start) -> None:
    api = start()
    api.fault("payment_required", for_s=60)
    assert refused(api)
    api.control("POST", "/clock", {"advance_s": 61})
    assert not refused(api)


def test_several_faults_apply_to_one_prediction(api: Api) -> None:
    api.fault("empty_output")
    api.fault("unknown_status", {"status": "odd"})
    assert api.until(api.created()["id"], "odd")["output"] == []


def test_rules_are_listed_with_their_counts_and_removed_one_by_one(api: Api) -> None:
    first = api.fault("payment_required", nth=2)
    second = api.fault("not_found", operation="account.get")
    refused(api)
    listed = api.control("GET", "/faults")["rules"]
    assert [(rule["id"], rule["seen"], rule["fired"]) for rule in listed] == [(first["id"], 1, 0), (second["id"], 0, 0)]
    api.control("DELETE", f"/faults/{first['id']}")
    assert [rule["id"] for rule in api.control("GET", "/faults")["rules"]] == [second["id"]]
    assert api.http.delete("/_simulator/faults/none").status_code == 404


def test_fired_faults_are_counted_by_action(api: Api) -> None:
    api.fault("payment_required", count=1)
    api.fault("fail")
    refused(api)
    refused(api)
    assert api.control("GET", "/counters")["faults"] == {"payment_required": 1, "fail": 1}


def test_menu_lists_every_action_with_its_stage_and_options(api: Api) -> None:
    menu = api.control("GET", "/faults/menu")["actions"]
    assert set(menu) == set(MENU)
    assert menu["server_error"]["options"] == {"status": 502, "html": True}
    assert {each["stage"] for each in menu.values()} == {"request", "response", "prediction", "webhook"}


INVALID: list[tuple[Any, str]] = [
    ({"action": "explode"}, "unknown action 'explode'; known are unauthorized"),
    ({"action": "fail", "modle": "x"}, "unknown keys in rule: modle"),
    ({"action": "fail", "options": {"cod": 1}}, "unknown options for fail: cod; known are code, error"),
    ({"action": "fail", "options": {"code": "E77"}}, "unknown code 'E77'"),
    ({"action": "abort", "options": {"x": 1}}, "known are none"),
    ({"action": "wrong_file_type", "options": {"type": "exe"}}, "type is one of html"),
    ({"action": "fail", "nth": 0}, "nth is the number of a match"),
    ({"action": "fail", "nth": "1"}, "nth is the number of a match"),
    ({"action": "fail", "count": "many"}, "count is a whole number"),
    ({"action": "fail", "probability": 2}, "probability is a number from 0 to 1"),
    ({"action": "fail", "for_s": "long"}, "for_s is a number"),
    ({"action": "fail", "model": 5}, "model is a text"),
    ({"action": "fail", "options": []}, "options is a JSON object"),
    ({"action": "server_error", "options": {"status": "x"}}, "status is one of 500, 502, 503, 504"),
    ({"action": "slow_run", "options": {"factor": "x"}}, "factor is a number"),
    ({"action": "throttle", "options": {"in_header": 1}}, "in_header is true or false"),
    ({"action": "fail", "options": {"error": 5}}, "error is a text"),
    ({"action": "lose_webhook", "options": {"events": ["end"]}}, "events is a list of"),
    ({"action": "fail", "listener": "both"}, "listener is 'api' or 'delivery', not 'both'"),
    ("fail", "a rule is a JSON object, not str"),
]


@pytest.mark.parametrize(("rule", "reason"), INVALID)
def test_an_invalid_rule_is_rejected_with_the_reason(api: Api, rule: Any, reason: str) -> None:
    response = api.http.post("/_simulator/faults", json=[{"action": "abort"}, rule])
    assert response.status_code == 400
    assert reason in response.json()["detail"]
    assert api.control("GET", "/faults")["rules"] == []
