"""A price that is shown before a request is what the request reserves in credits."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import parse
from graphql.language import OperationDefinitionNode

from jobs.catalogue.catalogue import Catalogue
from jobs.catalogue.offers import OFFERS_MAX
from jobs.catalogue.prices import prices
from jobs.providers.choice import ModelChoice
from schema.admission.cost import CostMeter
from schema.build import build_schema
from schema.ids import IdKind, decode_id
from schema.runtime import ApiSettings
from tests.schema.documents import CREATE_ANIMATION, CREATE_SCENE, make_avatar, make_story, new_key
from tests.support.databases import unique_name
from tests.support.partners import Partner, partner
from tests.support.serving import Caller, serving

PRICES = """
query ($kind: GenerationKind, $seconds: Int, $tier: Tier) {
  prices(kind: $kind, durationSeconds: $seconds, tier: $tier) { kind tier durationSeconds credits }
}
"""
RESERVED = """
query ($id: ID!) {
  creditEntries(first: 2, filter: {jobId: $id, kinds: [HOLD]}) { edges { node { amount } } }
}
"""


def _request(acme: Partner, caller: Caller, price: dict[str, Any]) -> str:
    """Request what a price is of, and return the job's id."""
    session = caller.ask("{ viewer { session { id } } }")["viewer"]["session"]
    owner = None if session is None else decode_id(session["id"], IdKind.SESSION)
    key = {"idempotencyKey": new_key()}
    match price["kind"]:
        case "AVATAR":
            return make_avatar(caller, acme.asset(session_id=owner))
        case "SCENE":
            given: dict[str, Any] = {"avatarId": acme.asset("avatar", session_id=owner), "theme": "neon-city", **key}
            job: dict[str, Any] = caller.ask(CREATE_SCENE, input=given)["createScene"]["job"]
        case _:
            options = {"durationSeconds": price["durationSeconds"]}
            given = {"sceneId": acme.asset("scene", session_id=owner), "options": options, **key}
            job = caller.ask(CREATE_ANIMATION, input=given)["createAnimation"]["job"]
    return str(job["id"])


def _reserved(caller: Caller, job_id: str) -> int:
    [edge] = caller.ask(RESERVED, id=job_id)["creditEntries"]["edges"]
    return int(edge["node"]["amount"])


@pytest.mark.parametrize("kind", ["free", "paid", "key"])
def test_a_price_is_what_the_request_reserves(acme: Partner, kind: str) -> None:
    caller: Caller = acme if kind == "key" else acme.user(tier=kind)
    shown = caller.ask(PRICES)["prices"]
    assert [each["tier"] for each in shown] == ["FREE" if kind == "free" else "PAID"] * (3 if kind == "free" else 4)
    assert [_reserved(caller, _request(acme, caller, each)) for each in shown] == [each["credits"] for each in shown]


def test_a_story_costs_what_its_jobs_do(acme: Partner) -> None:
    story = make_story(acme, acme.asset())
    reserved = [_reserved(acme, story[part]["id"]) for part in ("avatar", "scene", "animation")]
    shown = acme.ask(PRICES)["prices"]
    assert reserved == [each["credits"] for each in shown if each["durationSeconds"] in (None, 6)]


def test_prices_can_be_narrowed_and_of_another_tier(acme: Partner) -> None:
    user = acme.user()
    assert {each["kind"] for each in user.ask(PRICES, kind="SCENE")["prices"]} == {"SCENE"}
    assert user.ask(PRICES, seconds=10)["prices"] == []
    [ten] = user.ask(PRICES, seconds=10, tier="PAID")["prices"]
    assert (ten["kind"], ten["tier"], ten["durationSeconds"]) == ("ANIMATION", "PAID", 10)


def test_what_no_model_makes_has_no_price(api_database: str) -> None:
    with serving(api_database, catalogue=Catalogue(ModelChoice(("minimax/video-01-live",)))) as server:
        [only] = partner(server, unique_name("prices")).ask(PRICES)["prices"]
    assert (only["kind"], only["durationSeconds"]) == ("ANIMATION", 6)


def test_the_list_declares_its_rows() -> None:
    assert max(sum(of == tier for _, of, _ in prices()) for tier in ("free", "paid")) <= OFFERS_MAX
    document, schema = parse("{ prices { kind credits } }"), build_schema(ApiSettings())._schema
    [operation] = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    assert CostMeter(schema, document, {}).cost_of(operation).fields == 1 + 2 * OFFERS_MAX
