"""The code of the page for partners' servers, in Python, on a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from schema.exports.job_table import COLUMNS
from schema.runtime import ApiSettings
from tests.support.databases import unique_name
from tests.support.partners import Partner, partner
from tests.support.serving import Server, serving

PAGE = Path(__file__).parents[2] / "docs" / "partner.md"


def example(language: str) -> str:
    """Return the page's one example in a language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


@pytest.fixture
def page() -> dict[str, Any]:
    """Return what the example defines."""
    defined: dict[str, Any] = {}
    exec(example("python"), defined)
    return defined


class Lossy(httpx.HTTPTransport):
    """Loses the first responses, after the server has carried out their requests."""

    lost = 2

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if self.lost:
            self.lost -= 1
            response.close()
            raise httpx.ReadError("the response was lost", request=request)
        return response


def client(server: Server, secret: str | None, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    headers = {"Authorization": f"Bearer {secret}"}
    return httpx.Client(base_url=server.url, headers=headers, timeout=30, transport=transport)


def test_a_story_is_made_once_though_responses_are_lost(acme: Partner, page: dict[str, Any]) -> None:
    user, order = unique_name("ada"), unique_name("order")
    ada, picture = acme.user(user), acme.asset()
    with client(acme.server, acme.secret, Lossy()) as lossy:
        story = page["create_story"](lossy, order, user, picture, "neon-city")
        assert page["create_story"](lossy, order, user, picture, "neon-city")["id"] == story["id"]
    [edge] = ada.ask("{ stories(first: 9) { edges { node { id } } } }")["stories"]["edges"]
    assert edge["node"]["id"] == story["id"]


def test_a_refusal_is_no_failure(acme: Partner, page: dict[str, Any]) -> None:
    with client(acme.server, acme.secret) as working, pytest.raises(page["Refused"]) as refused:
        page["create_story"](working, unique_name("order"), "penniless", acme.asset(), "neon-city")
    assert [each["code"] for each in refused.value.args[0]] == ["INSUFFICIENT_CREDITS"]
    with client(acme.server, "dio_key_wrong") as locked_out, pytest.raises(page["Failed"]) as failed:
        page["create_story"](locked_out, unique_name("order"), "ada", acme.asset(), "neon-city")
    assert failed.value.args[0][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.fixture
def shopping(api_database: str) -> Iterator[Partner]:
    """Yield a partner of a server with a test mode."""
    with serving(api_database, ApiSettings(has_test_mode=True)) as running:
        yield partner(running, unique_name("shop"))


def test_the_operations_of_the_page_work(shopping: Partner) -> None:
    shown = re.findall(r"```graphql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    shopping.user("ada")
    for document in shown:
        payloads = shopping.ask(document).values()
        assert [each["userErrors"] for each in payloads] == [[]] * len(payloads)
        for each in payloads:
            if "url" in each:
                assert httpx.get(each["url"]).status_code == 200


def test_the_columns_of_the_page_are_those_of_the_table() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| columns |")[2].partition("\n\n")[0]
    shown = [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1] if row else "")]
    assert sorted(shown) == sorted(COLUMNS)
