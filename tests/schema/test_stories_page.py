"""The operations of the page for stories, and that of the page for front ends, on a real server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.schema.documents import new_key
from tests.schema.mutations.test_story_scenes import several
from tests.support.partners import TO_SUCCESS, Partner, move

PAGES = Path(__file__).parents[2] / "docs"


def shown(page: str) -> list[str]:
    """Return the operations of a page."""
    return re.findall(r"```graphql\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)


def _with(document: str, **given: str) -> str:
    for word, value in given.items():
        document = document.replace(f"{word}_…", value)
    return document.replace("order-1235", new_key())


def test_the_page_requests_a_story_of_several_scenes_and_reads_it(acme: Partner) -> None:
    request, query = shown("stories.md")
    made: dict[str, Any] = acme.ask(_with(request, asset=acme.asset()))["createStory"]
    assert made["userErrors"] == []
    jobs = made["story"]["jobs"]
    assert [job["kind"] for job in jobs] == ["AVATAR", "SCENE", "ANIMATION", "ANIMATION", "SCENE"]
    move(acme.server.engine, jobs[0]["id"], *TO_SUCCESS)
    story = acme.ask(_with(query, story=made["story"]["id"]))["story"]
    assert (story["state"], story["error"]) == ("WAITING", None)
    assert story["avatar"]["output"]["url"]
    assert [video["parent"]["id"] for video in story["animations"]] == [jobs[1]["id"]] * 2


def test_a_front_end_reads_all_scenes_with_the_query_of_its_page(acme: Partner) -> None:
    [query] = shown("frontend.md")
    story = acme.ask(_with(query, story=several(acme, acme.asset())))["story"]
    assert (len(story["scenes"]), len(story["animations"]), story["percent"]) == (2, 2, 0)
