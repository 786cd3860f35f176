"""A batch requests many scenes at once, and is accepted whole or not at all."""

from __future__ import annotations

from typing import Any

from tests.schema.credits import balance, grant
from tests.schema.documents import new_key
from tests.support.partners import Partner
from tests.support.serving import Caller

CREATE_BATCH = """
mutation ($input: CreateBatchInput!) {
  createBatch(input: $input) {
    jobs { id kind state theme { key } metadata }
    replayed
    userErrors { code path ... on InsufficientCreditsError { required available } }
  }
}
"""
JOBS = "{ jobs(first: 100) { edges { node { id } } } }"


def scenes(avatar: str, *themes: str) -> list[dict[str, Any]]:
    return [{"avatarId": avatar, "theme": theme, "metadata": {"scene": n}} for n, theme in enumerate(themes)]


def ask(caller: Caller, wanted: list[dict[str, Any]], key: str | None = None) -> dict[str, Any]:
    given = {"scenes": wanted, "idempotencyKey": key or new_key()}
    payload: dict[str, Any] = caller.ask(CREATE_BATCH, input=given)["createBatch"]
    return payload


def test_a_batch_makes_its_scenes_in_order_and_once_per_key(acme: Partner) -> None:
    wanted, key = scenes(acme.asset("avatar"), "neon-city", "moon-base", "neon-city"), new_key()
    first, second = ask(acme, wanted, key), ask(acme, wanted, key)
    assert [(job["theme"]["key"], job["metadata"], job["state"]) for job in first["jobs"]] == [
        ("neon-city", {"scene": 0}, "QUEUED"),
        ("moon-base", {"scene": 1}, "QUEUED"),
        ("neon-city", {"scene": 2}, "QUEUED"),
    ]
    assert (first["replayed"], second["replayed"]) == (False, True)
    assert second["jobs"] == first["jobs"]
    assert balance(acme) == (10_000 - 9, 9)
    assert ask(acme, wanted[:2], key)["userErrors"][0]["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_a_batch_with_one_wrong_scene_makes_no_job_and_no_credit_hold(acme: Partner) -> None:
    wanted = [*scenes(acme.asset("avatar"), "neon-city", "moon-base"), *scenes(acme.asset("selfie"), "neon-city")]
    payload = ask(acme, wanted)
    assert payload["userErrors"] == [{"code": "NOT_FOUND", "path": ["input", "scenes", "2", "avatarId"]}]
    assert payload["jobs"] == []
    assert acme.ask(JOBS)["jobs"]["edges"] == []
    assert balance(acme) == (10_000, 0)


def test_a_batch_too_expensive_as_a_whole_is_not_accepted(acme: Partner) -> None:
    grant(acme, userRef="ada", amount=9_992)
    payload = ask(acme, scenes(acme.asset("avatar"), *["neon-city"] * 3))
    assert payload["userErrors"] == [{"code": "INSUFFICIENT_CREDITS", "path": ["input"], "required": 9, "available": 8}]
    assert balance(acme) == (8, 0)


def test_a_batch_has_one_to_two_hundred_scenes(acme: Partner) -> None:
    for wanted in ([], scenes(acme.asset("avatar"), *["neon-city"] * 201)):
        assert ask(acme, wanted)["userErrors"] == [{"code": "INVALID", "path": ["input"]}]
