"""A caller who names something of another account, or of another user, gets the response for what never existed.

The walk takes the places from the schema: a new argument is tried as soon as it is there. `test_owners` shows that each
place would show a difference.
"""

from __future__ import annotations

import pytest

from schema.build import build_schema
from schema.runtime import ApiSettings
from tests.schema.isolation.belongings import missing
from tests.schema.isolation.examples import What, is_cursor_of_rows, is_text, takes
from tests.schema.isolation.places import Place, places_of
from tests.schema.isolation.requests import Writer
from tests.schema.isolation.strangers import Stranger, first_message, response

# Thousands of requests, which concern only a change of what the API takes.
pytestmark = pytest.mark.system

SCHEMA = build_schema(ApiSettings())._schema
WRITER = Writer(SCHEMA)
PLACES = [each for each in places_of(SCHEMA) if not is_text(each)]
REQUESTED = [each for each in PLACES if each.parent != "Subscription"]
SUBSCRIBED = [each for each in PLACES if each.parent == "Subscription"]


def waits(place: Place) -> bool:
    """Return whether a subscription has nothing to say about what is not there."""
    return place.argument == "filter" and place.name != "account"


def test_the_walk_goes_through_the_whole_schema() -> None:
    assert {each.parent for each in PLACES} >= {"Query", "Mutation", "Subscription", "Job", "Session"}
    assert {"JobFilter.ids", "BatchSceneInput.avatarId", "Job.children.after"} <= {each.coordinate for each in PLACES}


@pytest.mark.parametrize("place", REQUESTED, ids=str)
def test_what_belongs_to_others_does_not_exist(callers: tuple[Stranger, ...], place: Place) -> None:
    for what in takes(place):
        for each in callers:
            if each.tries(place, what):
                operation = WRITER.operation(place, each.mine)
                # Where a list goes on depends on the age of the row.
                for theirs in each.others[:1] if is_cursor_of_rows(what) else each.others:
                    real, never = (
                        response(each.caller, operation, given) for given in (theirs[what], missing(what, theirs))
                    )
                    assert real == never, f"{each.name}: {what} in {place}"


@pytest.mark.parametrize("place", SUBSCRIBED, ids=str)
def test_a_subscription_to_what_belongs_to_others_says_nothing(callers: tuple[Stranger, ...], place: Place) -> None:
    for what in takes(place):
        for each in callers:
            if each.tries(place, what) and each.caller.secret is not None:
                operation = WRITER.operation(place, each.mine)
                beside = each.mine[What.ACTIVITY_CURSOR] if waits(place) else None
                never = first_message(each.caller, operation, missing(what, each.others[0]), beside)
                for theirs in each.others:
                    real = first_message(each.caller, operation, theirs[what], beside)
                    assert real == never, f"{each.name}: {what} in {place}"
