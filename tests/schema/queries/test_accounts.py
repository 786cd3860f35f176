"""Support reads who owns what, and a user's name never mixes two accounts; a partner reads its own account only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from schema.ids import IdKind, encode_id
from tests.schema.credits import grant, selfie
from tests.schema.documents import make_avatar, make_story
from tests.support.partners import Partner
from tests.support.serving import Caller

ACCOUNTS = """
query ($first: Int = 10, $after: String, $filter: AccountFilter) {
  accounts(first: $first, after: $after, filter: $filter) {
    edges { cursor node { id name createdAt jobsAtOnce credits { available held } } }
  }
}
"""
SESSIONS = """
query ($first: Int = 10, $after: String, $filter: SessionFilter) {
  sessions(first: $first, after: $after, filter: $filter) { edges { cursor node { userRef account { name } } } }
}
"""
OWNER = "query ($id: ID!) { job(id: $id) { account { name } session { account { name } } } }"
NODE = "query ($id: ID!) { node(id: $id) { id ... on Account { name } } }"
LISTS = {
    "jobs": "query ($f: JobFilter) { jobs(first: 9, filter: $f) { edges { node { account { name } } } } }",
    "stories": (
        "query ($f: StoryFilter) { stories(first: 9, filter: $f) { edges { node { avatar { account { name } } } } } }"
    ),
    "assets": "query ($f: AssetFilter) { assets(first: 9, filter: $f) { edges { node { id } } } }",
    "creditEntries": (
        "query ($f: CreditEntryFilter) { creditEntries(first: 9, filter: $f) { edges { node { account { name } } } } }"
    ),
    "sessions": "query ($f: SessionFilter) { sessions(first: 9, filter: $f) { edges { node { account { name } } } } }",
}
REDRIVE = """
mutation ($f: JobFilter!, $key: String!) { redriveJobs(input: {filter: $f, idempotencyKey: $key}) { revived } }
"""


def account_id(partner: Partner) -> str:
    return encode_id(IdKind.ACCOUNT, partner.principal.account_id)


def nodes(caller: Caller, document: str, **given: Any) -> list[dict[str, Any]]:
    [page] = caller.ask(document, **given).values()
    return [edge["node"] for edge in page["edges"]]


@pytest.fixture
def namesakes(acme: Partner, rival: Partner) -> list[Partner]:
    """Return two partners, each with a user `ada` who has credits, a selfie and a story."""
    for each in (acme, rival):
        ada = each.user("ada", credits=0)
        grant(each, userRef="ada", amount=100)
        make_story(ada, selfie(each, ada))
    return [acme, rival]


@pytest.mark.parametrize("listed", LISTS)
def test_a_user_of_one_name_is_read_account_by_account(namesakes: list[Partner], support: Partner, listed: str) -> None:
    error = support.fail(LISTS[listed], f={"userRef": "ada"})
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "filter.account" in error["message"]
    for each in namesakes:
        found = nodes(support, LISTS[listed], f={"userRef": "ada", "account": account_id(each)})
        assert found == nodes(each, LISTS[listed], f={"userRef": "ada"})
        assert found
        refused = each.fail(LISTS[listed], f={"account": account_id(each)})
        assert refused["extensions"]["code"] == "FORBIDDEN"


def test_a_job_names_its_account_to_all_but_a_session(acme: Partner, support: Partner) -> None:
    ada = acme.user()
    job_id = make_avatar(ada, selfie(acme, ada))
    own = {"name": acme.account}
    for reader in (acme, support):
        assert reader.ask(OWNER, id=job_id)["job"] == {"account": own, "session": {"account": own}}
    assert ada.ask(OWNER, id=job_id)["job"] == {"account": None, "session": {"account": None}}


def test_only_support_lists_accounts(acme: Partner, support: Partner) -> None:
    name = {"name": acme.account}
    [found] = nodes(support, ACCOUNTS, filter=name)
    assert (found["id"], found["credits"]) == (account_id(acme), {"available": 10_000, "held": 0})
    assert [each["name"] for each in nodes(support, ACCOUNTS, filter={"nameContains": acme.account[1:].upper()})] == [
        acme.account
    ]
    assert nodes(support, ACCOUNTS, filter={"nameContains": f"{acme.account[:-1]}%"}) == []
    for each in (acme, acme.user()):
        assert each.fail(ACCOUNTS, filter=name)["extensions"]["code"] == "FORBIDDEN"


def test_accounts_are_paged_newest_first(new_partner: Callable[[], Partner], support: Partner) -> None:
    older, newer = new_partner(), new_partner()
    given = {"filter": {"nameContains": "partner"}}
    [first] = support.ask(ACCOUNTS, first=1, **given)["accounts"]["edges"]
    [second] = nodes(support, ACCOUNTS, first=1, after=first["cursor"], **given)
    assert [first["node"]["name"], second["name"]] == [newer.account, older.account]


def test_an_account_reads_itself_and_no_other(acme: Partner, rival: Partner, support: Partner) -> None:
    own = {"id": account_id(acme), "name": acme.account}
    assert acme.ask("{ viewer { account { id name } } }")["viewer"]["account"] == own
    assert acme.ask(NODE, id=own["id"])["node"] == support.ask(NODE, id=own["id"])["node"] == own
    assert rival.ask(NODE, id=own["id"])["node"] is None
    ada = acme.user()
    assert ada.ask(NODE, id=own["id"])["node"] is None
    assert ada.ask("{ viewer { account { id } } }")["viewer"]["account"] is None


def test_sessions_are_listed_to_those_who_own_them(acme: Partner, rival: Partner) -> None:
    ada, _ = acme.user("ada"), acme.user("bob", lasts_s=-1)
    own = {"account": {"name": acme.account}}
    assert nodes(acme, SESSIONS) == [{"userRef": "bob", **own}, {"userRef": "ada", **own}]
    assert nodes(ada, SESSIONS) == [{"userRef": "ada", "account": None}]
    assert nodes(ada, SESSIONS, filter={"userRef": "bob"}) == nodes(rival, SESSIONS) == []
    [first] = acme.ask(SESSIONS, first=1)["sessions"]["edges"]
    assert [each["userRef"] for each in nodes(acme, SESSIONS, after=first["cursor"])] == ["ada"]


def test_the_id_of_a_key_is_that_of_no_node(acme: Partner) -> None:
    [key] = acme.ask("{ apiKeys { id } }")["apiKeys"]
    assert acme.ask(NODE, id=key["id"])["node"] is None
