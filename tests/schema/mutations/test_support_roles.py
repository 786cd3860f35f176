"""A viewer of support changes nothing, an agent what its role allows, and an admin everything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from schema.ids import IdKind, encode_id
from schema.roles import LEAST_ROLE
from schema.runtime import ApiSettings
from statemachine.vocabulary import SUPPORT_ROLES, Role
from tests.schema.credits import balance, grant
from tests.schema.documents import new_key
from tests.schema.isolation.belongings import Belongings, belongings
from tests.schema.isolation.places import Place
from tests.schema.isolation.requests import Writer
from tests.schema.isolation.test_ids_of_others import SCHEMA
from tests.schema.mutations.test_support_keys import ADJUST
from tests.schema.mutations.test_suspensions import AUDIT, closed
from tests.support.databases import unique_name
from tests.support.partners import Partner, partner
from tests.support.serving import Caller, Server, serving

KEY = "apiKey { id role name } userErrors { code path message }"
CREATE = f"mutation ($input: CreateApiKeyInput!) {{ createApiKey(input: $input) {{ secret {KEY} }} }}"
SET_ROLE = f"mutation ($input: SetApiKeyRoleInput!) {{ setApiKeyRole(input: $input) {{ {KEY} }} }}"
ROTATE = f"mutation ($id: ID!) {{ rotateApiKey(input: {{id: $id}}) {{ {KEY} }} }}"
REVOKE = f"mutation ($id: ID!) {{ revokeApiKey(input: {{id: $id}}) {{ {KEY} }} }}"
ROLE = "{ viewer { role } }"
SCOPES = ["REQUESTS", "SESSIONS", "CREDITS", "KEYS", "WEBHOOKS"]
FIELDS = SCHEMA.mutation_type.fields if SCHEMA.mutation_type else {}


@pytest.fixture(scope="module")
def quick(api_database: str) -> Iterator[Server]:
    """Yield a server that checks the keys of open sockets all the time."""
    with serving(api_database, ApiSettings(check_keys_every=timedelta(milliseconds=50))) as running:
        yield running


def staff(server: Server, role: Role) -> Partner:
    """Return a member of support with a role."""
    return partner(server, unique_name(role), role=role)


def attempt(caller: Caller, mutation: str, mine: Belongings) -> dict[str, Any] | None:
    """Send a mutation that names what belongs to an account; return its first error, or None."""
    operation = Writer(SCHEMA).operation(Place("Mutation", mutation, "", (), ""), mine)
    errors: list[dict[str, Any]] = caller.post(operation.document, operation.naming("")).json().get("errors", [])
    return errors[0] if errors else None


def test_every_mutation_has_a_role() -> None:
    assert set(LEAST_ROLE) == set(FIELDS)
    assert set(LEAST_ROLE.values()) == {Role.AGENT, Role.ADMIN}


@pytest.mark.parametrize("role", SUPPORT_ROLES)
def test_each_role_may_do_what_its_row_says_and_nothing_else(server: Server, role: Role) -> None:
    acme, caller = partner(server, unique_name("acme")), staff(server, role)
    _, mine = belongings(acme)
    for mutation, needed in LEAST_ROLE.items():
        error = attempt(caller, mutation, mine)
        if SUPPORT_ROLES.index(role) < SUPPORT_ROLES.index(needed):
            assert error, mutation
            assert error["extensions"]["code"] == "FORBIDDEN"
            assert error["message"] == f"{mutation} needs the role {needed.name}; this key has {role.name}."
        else:
            assert "needs the role" not in (error or {}).get("message", ""), mutation
            # The role in Postgres allows it, too.
            assert (error or {}).get("extensions", {}).get("code") != "INTERNAL_SERVER_ERROR", mutation


def test_an_agent_gives_and_takes_only_up_to_a_limit(server: Server, acme: Partner) -> None:
    agent, admin = staff(server, Role.AGENT), staff(server, Role.ADMIN)
    given = {"account": acme.account, "reason": "a long wait"}
    for change, allowed in ((100, True), (-100, True), (101, False), (-101, False)):
        adjusting = {**given, "change": change, "idempotencyKey": new_key()}
        if allowed:
            assert agent.ask(ADJUST, input=adjusting)["adjustCredits"]["userErrors"] == []
        else:
            error = agent.fail(ADJUST, input=adjusting)
            assert error["extensions"]["code"] == "FORBIDDEN"
            assert error["message"] == "More than 100 credits at once need the role ADMIN; this key has AGENT."
            assert admin.ask(ADJUST, input=adjusting)["adjustCredits"]["userErrors"] == []
    assert grant(agent, account=acme.account, amount=100)["userErrors"] == []
    document = "mutation ($i: GrantCreditsInput!) { grantCredits(input: $i) { replayed } }"
    granting = {"account": acme.account, "amount": 101, "idempotencyKey": new_key()}
    assert "ADMIN" in agent.fail(document, i=granting)["message"]
    assert balance(acme) == (10_100, 0)


def test_an_admin_gives_a_key_its_role(server: Server) -> None:
    admin = staff(server, Role.ADMIN)
    for role in SUPPORT_ROLES:
        made = admin.ask(CREATE, input={"name": role, "scopes": SCOPES, "role": role.name})["createApiKey"]
        assert (made["userErrors"], made["apiKey"]["role"]) == ([], role.name)
        assert Caller(server, made["secret"]).ask(ROLE) == {"viewer": {"role": role.name}}
    for wrong in (None, "PARTNER", "SESSION"):
        refused = admin.ask(CREATE, input={"name": "n", "scopes": [], "role": wrong})["createApiKey"]
        assert (refused["secret"], refused["userErrors"][0]["path"]) == (None, ["input", "role"])


def test_a_partner_gives_no_role_and_manages_no_key_of_support(server: Server, acme: Partner) -> None:
    for wrong in ("VIEWER", "ADMIN", "SESSION"):
        refused = acme.ask(CREATE, input={"name": "n", "scopes": [], "role": wrong})["createApiKey"]
        assert (refused["secret"], refused["userErrors"][0]["path"]) == (None, ["input", "role"])
    colleague = partner(server, acme.account, role="agent")
    [its_id] = [
        key["id"] for key in colleague.ask("{ apiKeys { id name role } }")["apiKeys"] if acme.account in key["name"]
    ]
    assert its_id not in str(acme.ask("{ apiKeys { id role } }"))
    for document, name in ((ROTATE, "rotateApiKey"), (REVOKE, "revokeApiKey")):
        assert acme.ask(document, id=its_id)[name]["userErrors"][0]["code"] == "NOT_FOUND"
    given = {"id": its_id, "role": "VIEWER", "reason": "r"}
    assert acme.fail(SET_ROLE, input=given)["extensions"]["code"] == "FORBIDDEN"


def test_a_changed_role_counts_at_once_and_closes_open_sockets(quick: Server) -> None:
    admin = staff(quick, Role.ADMIN)
    made = admin.ask(CREATE, input={"name": "mo", "scopes": SCOPES, "role": "AGENT"})["createApiKey"]
    mo, mos_id = Caller(quick, made["secret"]), made["apiKey"]["id"]
    with mo.socket() as socket:
        given = {"id": mos_id, "role": "VIEWER", "reason": "has left the team"}
        changed = admin.ask(SET_ROLE, input=given)["setApiKeyRole"]
        assert (changed["userErrors"], changed["apiKey"]["role"]) == ([], "VIEWER")
        assert mo.ask(ROLE) == {"viewer": {"role": "VIEWER"}}
        assert "role ADMIN" in mo.fail(ROTATE, id=mos_id)["message"]
        assert closed(socket)[0] == 4403
    for wrong, path in (({"role": "PARTNER"}, "role"), ({"reason": " "}, "reason")):
        refused = admin.ask(SET_ROLE, input={**given, **wrong})["setApiKeyRole"]
        assert refused["userErrors"][0]["path"] == ["input", path]


def test_the_audit_has_what_became_of_keys_and_the_role_of_its_author(server: Server) -> None:
    admin = staff(server, Role.ADMIN)
    key = admin.ask(CREATE, input={"name": "mo", "scopes": [], "role": "VIEWER"})["createApiKey"]["apiKey"]["id"]
    admin.ask(SET_ROLE, input={"id": key, "role": "AGENT", "reason": "is trained"})
    admin.ask(ROTATE, id=key)
    admin.ask(REVOKE, id=key)
    document = AUDIT.replace("action ", "action role ")
    actions = ["CREATE_API_KEY", "SET_API_KEY_ROLE", "ROTATE_API_KEY", "REVOKE_API_KEY"]
    found = [edge["node"] for edge in admin.ask(document, f={"actions": actions})["auditEntries"]["edges"]]
    assert [(each["action"], each["role"], each["reason"]) for each in reversed(found) if each["subject"] == key] == [
        ("CREATE_API_KEY", "ADMIN", "mo, viewer"),
        ("SET_API_KEY_ROLE", "ADMIN", "mo, viewer to agent: is trained"),
        ("ROTATE_API_KEY", "ADMIN", "mo, agent"),
        ("REVOKE_API_KEY", "ADMIN", "mo, agent"),
    ]
    agent, acme = staff(server, Role.AGENT), partner(server, unique_name("acme"))
    assert grant(agent, account=acme.account, amount=1)["userErrors"] == []
    account = {"account": encode_id(IdKind.ACCOUNT, acme.principal.account_id)}
    assert admin.ask(document, f=account)["auditEntries"]["edges"][0]["node"]["role"] == "AGENT"
