"""A suspended account or user reads, but changes nothing and keeps no socket, until support lets it in again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from db.records.ledger import WalletKey
from db.records.suspensions import running_jobs
from schema.ids import IdKind, encode_id
from schema.runtime import ApiSettings
from tests.schema.credits import grant, selfie
from tests.schema.documents import CREATE_AVATAR, make_avatar, make_story, new_key
from tests.support.databases import unique_name
from tests.support.eventually import eventually
from tests.support.partners import TO_SUCCESS, Partner, move, partner
from tests.support.serving import Caller, Server, Socket, raw_socket, serving

SUSPEND_ACCOUNT = """
mutation ($input: SuspendAccountInput!) {
  suspendAccount(input: $input) {
    account { suspension { reason } } suspension { suspendedBy reason } canceled userErrors { code path }
  }
}
"""
RESUME_ACCOUNT = """
mutation ($input: ResumeAccountInput!) {
  resumeAccount(input: $input) { account { suspension { reason } } wasSuspended userErrors { code path } }
}
"""
SUSPEND_USER = """
mutation ($input: SuspendUserInput!) {
  suspendUser(input: $input) { suspension { suspendedAt suspendedBy reason } canceled userErrors { code path } }
}
"""
RESUME_USER = """
mutation ($input: ResumeUserInput!) { resumeUser(input: $input) { wasSuspended userErrors { code path } } }
"""
OPEN_SESSION = """
mutation ($ref: String!) { createSession(input: {userRef: $ref}) { token userErrors { code path } } }
"""
STATES = "query { jobs(first: 50) { edges { node { state } } } }"
OWN = "{ viewer { account { suspension { suspendedAt suspendedBy reason } } session { suspension { reason } } } }"
AUDIT = """
query ($f: AuditFilter) {
  auditEntries(first: 9, filter: $f) { edges { node { actor action userRef subject reason account { name } } } }
}
"""


@pytest.fixture(scope="module")
def quick(api_database: str) -> Iterator[Server]:
    """Yield a server that checks the keys of open sockets all the time."""
    with serving(api_database, ApiSettings(check_keys_every=timedelta(milliseconds=50))) as running:
        yield running


def who(acme: Partner, **given: Any) -> dict[str, Any]:
    return {"accountId": encode_id(IdKind.ACCOUNT, acme.principal.account_id), "reason": "spam", **given}


def ask_for_an_avatar(caller: Caller, picture: str) -> dict[str, Any] | None:
    """Request an avatar, and return the extensions of the error that refuses it, or None if it is accepted."""
    given = {"selfieId": picture, "idempotencyKey": new_key()}
    body = caller.post(CREATE_AVATAR, {"input": given}).json()
    return body["errors"][0]["extensions"] if "errors" in body else None


def user_error(caller: Caller, document: str, given: dict[str, Any]) -> dict[str, Any]:
    [payload] = caller.ask(document, input=given).values()
    [error] = payload["userErrors"]
    found: dict[str, Any] = error
    return found


def test_a_suspended_account_and_its_users_read_only(acme: Partner, rival: Partner, support: Partner) -> None:
    ada, asset = acme.user("ada"), acme.asset()
    picture = selfie(acme, ada)
    payload = support.ask(SUSPEND_ACCOUNT, input=who(acme))["suspendAccount"]
    by = f"support:{support.account} key"
    assert payload["suspension"] == {"suspendedBy": by, "reason": "spam"}
    assert payload["account"] == {"suspension": {"reason": "spam"}}
    for caller, of in ((acme, asset), (ada, picture)):
        refused = ask_for_an_avatar(caller, of)
        assert refused is not None
        assert (refused["code"], refused["retryable"]) == ("SUSPENDED", False)
        assert caller.ask(STATES)["jobs"]["edges"] == []
    assert ask_for_an_avatar(rival, rival.asset()) is None
    own = acme.ask(OWN)["viewer"]["account"]["suspension"]
    assert (own["suspendedBy"], own["reason"], own["suspendedAt"] is None) == (None, None, False)
    # The key was not revoked.
    assert support.ask(RESUME_ACCOUNT, input=who(acme))["resumeAccount"] == {
        "account": {"suspension": None},
        "wasSuspended": True,
        "userErrors": [],
    }
    assert ask_for_an_avatar(acme, asset) is None
    assert ask_for_an_avatar(ada, picture) is None
    assert not support.ask(RESUME_ACCOUNT, input=who(acme))["resumeAccount"]["wasSuspended"]


def test_a_suspended_user_stops_alone_and_gets_no_new_session(acme: Partner, rival: Partner, support: Partner) -> None:
    ada, bob, namesake = acme.user("ada"), acme.user("bob"), rival.user("ada")
    suspension = support.ask(SUSPEND_USER, input=who(acme, userRef="ada"))["suspendUser"]["suspension"]
    assert suspension["reason"] == "spam"
    refused = ask_for_an_avatar(ada, selfie(acme, ada))
    assert refused is not None
    assert refused["code"] == "SUSPENDED"
    for caller, of in ((bob, acme), (namesake, rival)):
        assert ask_for_an_avatar(caller, selfie(of, caller)) is None
    opened = acme.ask(OPEN_SESSION, ref="ada")["createSession"]
    assert opened == {"token": None, "userErrors": [{"code": "SUSPENDED", "path": ["input", "userRef"]}]}
    assert ada.ask(OWN)["viewer"]["session"] == {"suspension": {"reason": None}}
    again = support.ask(SUSPEND_USER, input=who(acme, userRef="ada", reason="abuse"))["suspendUser"]["suspension"]
    assert again == {**suspension, "reason": "abuse"}
    assert support.ask(RESUME_USER, input=who(acme, userRef="ada"))["resumeUser"]["wasSuspended"]
    assert acme.ask(OPEN_SESSION, ref="ada")["createSession"]["token"] is not None


def test_running_jobs_go_on_unless_they_are_canceled_too(acme: Partner, support: Partner) -> None:
    ada, bob = acme.user("ada"), acme.user("bob")
    done = make_avatar(ada, selfie(acme, ada))
    move(acme.server.engine, done, *TO_SUCCESS)
    make_story(ada, selfie(acme, ada))
    make_avatar(bob, selfie(acme, bob))
    make_avatar(acme, acme.asset())
    assert support.ask(SUSPEND_USER, input=who(acme, userRef="ada"))["suspendUser"]["canceled"] == 0
    running = [edge["node"]["state"] for edge in ada.ask(STATES)["jobs"]["edges"]]
    assert sorted(running) == ["QUEUED", "SUCCEEDED", "WAITING", "WAITING"]
    given = who(acme, userRef="ada", cancelRunning=True)
    assert support.ask(SUSPEND_USER, input=given)["suspendUser"]["canceled"] == 3
    assert support.ask(SUSPEND_USER, input=given)["suspendUser"]["canceled"] == 0
    assert {edge["node"]["state"] for edge in ada.ask(STATES)["jobs"]["edges"]} == {"COMPENSATING", "SUCCEEDED"}
    assert support.ask(SUSPEND_ACCOUNT, input=who(acme, cancelRunning=True))["suspendAccount"]["canceled"] == 2
    with acme.server.engine.connect() as conn:
        assert running_jobs(conn, WalletKey(acme.principal.account_id), 9) == []


def test_only_support_suspends_and_only_those_who_exist(acme: Partner, support: Partner) -> None:
    acme.user("ada")
    unknown = "account_" + "0" * 26
    for document, given in (
        (SUSPEND_ACCOUNT, who(acme)),
        (RESUME_ACCOUNT, who(acme)),
        (SUSPEND_USER, who(acme, userRef="ada")),
        (RESUME_USER, who(acme, userRef="ada")),
    ):
        for caller in (acme, acme.user("bob")):
            assert caller.fail(document, input=given)["extensions"]["code"] == "FORBIDDEN"
        for wrong, code in (("accountId", "NOT_FOUND"), ("reason", "INVALID")):
            value = unknown if wrong == "accountId" else " "
            error = user_error(support, document, {**given, wrong: value})
            assert error == {"code": code, "path": ["input", wrong]}
    for unknown_ref in ("eve", ""):
        error = user_error(support, SUSPEND_USER, who(acme, userRef=unknown_ref))
        assert error == {"code": "NOT_FOUND", "path": ["input", "userRef"]}


def test_open_sockets_of_the_suspended_are_closed_and_new_ones_refused(quick: Server) -> None:
    acme, staff = partner(quick, unique_name("acme")), partner(quick, unique_name("staff"), role="admin")
    ada, bob = acme.user("ada"), acme.user("bob")
    with ada.socket() as of_ada, bob.socket() as of_bob, acme.socket() as of_acme:
        staff.ask(SUSPEND_USER, input=who(acme, userRef="ada"))
        assert closed(of_ada)[0] == 4403
        assert refused(ada) == (4403, "Suspended")
        for socket in (of_bob, of_acme):
            socket.begin("{ themes { key } }")
            assert socket.next()["themes"]
        staff.ask(SUSPEND_ACCOUNT, input=who(acme))
        assert [closed(socket)[0] for socket in (of_bob, of_acme)] == [4403, 4403]
    assert refused(bob) == refused(acme) == (4403, "Suspended")
    staff.ask(RESUME_ACCOUNT, input=who(acme))
    with bob.socket(), acme.socket():
        assert refused(ada) == (4403, "Suspended")


def closed(socket: Socket) -> tuple[int, str]:
    """Wait until the server closes a socket, and return the code and the reason."""
    eventually(lambda: socket.connection.close_code is not None)
    return socket.connection.close_code or 0, socket.connection.close_reason or ""


def refused(caller: Caller) -> tuple[int, str]:
    """Open a socket, and return the code and the reason with which it is closed."""
    with raw_socket(caller.server) as connection:
        payload = {"authorization": f"Bearer {caller.secret}"}
        connection.send(json.dumps({"type": "connection_init", "payload": payload}))
        return closed(Socket(connection))


def entries(caller: Caller, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in caller.ask(AUDIT, f=wanted)["auditEntries"]["edges"]]


def test_what_support_does_is_in_the_audit_with_the_reason(acme: Partner, support: Partner) -> None:
    acme.user("ada")
    grant(support, account=acme.account, amount=5, reason="a gift")
    support.ask(SUSPEND_USER, input=who(acme, userRef="ada"))
    support.ask(SUSPEND_USER, input=who(acme, userRef="eve"))
    support.ask(RESUME_USER, input=who(acme, userRef="ada", reason="a mistake"))
    shared = {"actor": f"support:{support.account} key", "subject": None, "account": {"name": acme.account}}
    expected = [
        {"action": "RESUME_USER", "userRef": "ada", "reason": "a mistake", **shared},
        {"action": "SUSPEND_USER", "userRef": "ada", "reason": "spam", **shared},
        {"action": "GRANT_CREDITS", "userRef": None, "reason": "a gift", **shared},
    ]
    account = {"account": who(acme)["accountId"]}
    assert entries(support, account) == expected
    assert entries(support, {**account, "userRef": "ada"}) == expected[:2]
    assert entries(support, {**account, "actions": ["GRANT_CREDITS"]}) == expected[2:]
    assert support.fail(AUDIT, f={"userRef": "ada"})["extensions"]["code"] == "BAD_USER_INPUT"
    assert acme.fail(AUDIT)["extensions"]["code"] == "FORBIDDEN"
    with pytest.raises(DBAPIError, match="append-only"), acme.server.engine.begin() as conn:
        conn.exec_driver_sql("DELETE FROM audit_entries")


def test_the_audit_and_the_suspension_of_a_deleted_user_keep_no_name(acme: Partner, support: Partner) -> None:
    acme.user("ada")
    support.ask(SUSPEND_USER, input=who(acme, userRef="ada", reason="ada again"))
    acme.ask('mutation { deleteUser(input: {userRef: "ada"}) { deletion { id } } }')
    [entry] = entries(support, {"account": who(acme)["accountId"]})
    assert entry["userRef"].startswith("deleted-")
    assert entry["reason"] == "erased"
    with acme.server.engine.connect() as conn:
        query = "SELECT user_ref, reason FROM suspensions WHERE account_id = %s"
        rows = conn.exec_driver_sql(query, (acme.principal.account_id,)).all()
    assert rows == [(entry["userRef"], "erased")]
