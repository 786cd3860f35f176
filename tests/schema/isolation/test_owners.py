"""The owner of what is named gets another response than for what never existed: the walk would see a difference."""

from __future__ import annotations

import pytest

from tests.schema.documents import new_key
from tests.schema.isolation.belongings import Belongings, belongings, missing
from tests.schema.isolation.examples import What, is_cursor_of_rows, takes
from tests.schema.isolation.places import Place
from tests.schema.isolation.strangers import first_message, response
from tests.schema.isolation.test_ids_of_others import PLACES, WRITER
from tests.support.databases import unique_name
from tests.support.partners import partner
from tests.support.serving import Caller, Server

pytestmark = pytest.mark.system

# Where it makes no difference that something exists.
ALIKE = {
    # A place in a list, and totals of what may not be there at that time.
    "Job.children.after",
    "CreditStatementFilter.account",
    "StatisticsFilter.account",
    # The role of a partner's key does not change.
    "SetApiKeyRoleInput.id",
    # Users who need not have been there before; support names one beside the account.
    "AdjustCreditsInput.userRef",
    "AuditFilter.userRef",
    "CreateSessionInput.userRef",
    "CreateUploadInput.onBehalfOf",
    "DeleteUserInput.userRef",
    "GrantCreditsInput.userRef",
    "ImportAssetInput.onBehalfOf",
    "ResumeUserInput.userRef",
    # Keys of what cannot be done here: no job has failed or was charged, and no picture is served.
    "ImportAssetInput.idempotencyKey",
    "RefundJobInput.idempotencyKey",
    "RetryJobInput.idempotencyKey",
    "RetryStoryInput.idempotencyKey",
}
# Changes after which what they name is not there for the next test.
ENDING = ("delete", "end", "revoke", "rotateApiKey", "suspend", "takeDown")


def tells(place: Place) -> bool:
    """Return whether a response shows that what is named there exists. Some take the filter of `jobs`."""
    if place.field in ("exportJobs", "redriveJobs", "redrivableJobs") and "filter" in (place.argument, *place.inside):
        return False
    return not any(is_cursor_of_rows(what) for what in takes(place)) and place.coordinate not in ALIKE


Owners = tuple[tuple[Caller, Belongings], ...]


_ADJUST = """
mutation ($account: String!, $user: String, $key: String!) {
  adjustCredits(input: {account: $account, userRef: $user, change: 1, reason: "a test", idempotencyKey: $key}) {
    userErrors { message }
  }
}
"""


def owners(server: Server) -> Owners:
    """Return those who may see everything of an account: a user, the account, and support."""
    acme = partner(server, unique_name("owner"))
    support = partner(server, unique_name("support"), role="admin")
    user, hers = belongings(acme, unique_name("ada"))
    for each in (None, hers[What.USER_REF]):
        support.ask(_ADJUST, account=acme.account, user=each, key=new_key())
    return (user, hers), (acme, hers), (support, hers)


@pytest.fixture(scope="module")
def readers(server: Server) -> Owners:
    return owners(server)


@pytest.mark.parametrize("place", [each for each in PLACES if tells(each)], ids=str)
def test_the_owner_gets_another_response(server: Server, readers: Owners, place: Place) -> None:
    those = owners(server) if place.field.startswith(ENDING) else readers
    assert any(differs(caller, mine, place, what) for what in takes(place) for caller, mine in those)


def differs(caller: Caller, mine: Belongings, place: Place, what: What) -> bool:
    """Return whether a caller sees that something exists."""
    operation = WRITER.operation(place, mine)
    if place.parent == "Subscription" and place.argument == "filter":
        return first_message(caller, operation, mine[what], None).startswith("next")
    if place.parent == "Subscription":
        real, never = (first_message(caller, operation, each, None) for each in (mine[what], missing(what, mine)))
        return real != never
    if what is What.IDEMPOTENCY_KEY:
        response(caller, operation, mine[what])
    return response(caller, operation, mine[what]) != response(caller, operation, missing(what, mine))
