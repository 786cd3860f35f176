"""Jobs, sessions and uploads have limits, for each user and for an account, which requests at once do not pass."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from schema.ids import IdKind, encode_id
from tests.schema.credits import selfie
from tests.schema.documents import new_key
from tests.schema.mutations.test_credit_limits import RETRY, released
from tests.support.partners import TO_OUTAGE, Partner, move
from tests.support.serving import Caller

_ERRORS = "userErrors { code message path ... on LimitExceededError { limit owner max used retryAt } }"
SET_LIMIT = f"""
mutation ($input: SetUsageLimitInput!) {{
  setUsageLimit(input: $input) {{ account {{ limits {{ name max }} }} {_ERRORS} }}
}}
"""
AVATAR = (
    f"mutation ($input: CreateAvatarInput!) {{ createAvatar(input: $input) {{ job {{ id }} replayed {_ERRORS} }} }}"
)
UPLOAD = f"mutation ($input: CreateUploadInput!) {{ createUpload(input: $input) {{ asset {{ id }} {_ERRORS} }} }}"
IMPORT = f"mutation ($input: ImportAssetInput!) {{ importAsset(input: $input) {{ asset {{ id }} {_ERRORS} }} }}"
SESSION = f"""
mutation ($input: CreateSessionInput!) {{
  createSession(input: $input) {{ session {{ id expiresAt }} token {_ERRORS} }}
}}
"""
DELETE = "mutation ($id: ID!) { deleteAsset(input: {assetId: $id}) { deletion { id } userErrors { code } } }"
AUDIT = """
query ($id: ID!) {
  auditEntries(first: 1, filter: {account: $id}) { edges { node { action subject reason } } }
}
"""
OWN = "{ viewer { limits { name owner max used resetsAt } } }"


@pytest.fixture
def limit(support: Partner, acme: Partner) -> Callable[..., Any]:
    """Return a function with which support sets a limit for the account."""

    def set_limit(name: str, owner: str, most: int | None, **more: Any) -> Any:
        account = encode_id(IdKind.ACCOUNT, acme.principal.account_id)
        given: dict[str, Any] = {"accountId": account, "name": name, "owner": owner}
        given |= {"max": None if most is None else str(most), "reason": "they asked", **more}
        return support.ask(SET_LIMIT, input=given)["setUsageLimit"]

    return set_limit


def avatar(caller: Caller, picture: str, **more: Any) -> Any:
    given = {"selfieId": picture, "idempotencyKey": new_key(), **more}
    return caller.ask(AVATAR, input=given)["createAvatar"]


def upload(caller: Caller, **more: Any) -> Any:
    return caller.ask(UPLOAD, input={"contentType": "image/png", **more})["createUpload"]


def session(caller: Caller, user_ref: str, **more: Any) -> Any:
    return caller.ask(SESSION, input={"userRef": user_ref, **more})["createSession"]


def used(caller: Caller) -> dict[str, int]:
    return {each["name"]: int(each["used"]) for each in caller.ask(OWN)["viewer"]["limits"]}


def refused(payload: Any) -> tuple[str, str, int, int] | None:
    """Return the limit that a request would have passed: its name, owner, maximum and use."""
    if not payload["userErrors"]:
        return None
    [error] = payload["userErrors"]
    assert (error["code"], error["path"]) == ("LIMIT_EXCEEDED", ["input"])
    return error["limit"], error["owner"], int(error["max"]), int(error["used"])


def at_once(requests: list[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda request: refused(request()), requests))


def test_a_free_user_has_fewer_unfinished_jobs_than_a_paid_one(acme: Partner, limit: Callable[..., Any]) -> None:
    limit("UNFINISHED_JOBS", "FREE_USER", 2)
    limit("UNFINISHED_JOBS", "PAID_USER", 3)
    free, paid = acme.user("ada"), acme.user("bo", tier="paid")
    for user, owner, most in ((free, "FREE_USER", 2), (paid, "PAID_USER", 3)):
        picture, key = selfie(acme, user), new_key()
        made = [avatar(user, picture, idempotencyKey=key) for _ in range(2)]
        assert [each["replayed"] for each in made] == [False, True]
        made += [avatar(user, picture) for _ in range(most - 1)]
        assert [refused(each) for each in made] == [None] * (most + 1)
        payload = avatar(user, picture)
        assert refused(payload) == ("UNFINISHED_JOBS", owner, most, most)
        assert payload["job"] is None
        assert avatar(user, picture, idempotencyKey=key)["replayed"], "a replay is refused nothing"
        assert used(user)["UNFINISHED_JOBS"] == most
        released(acme, made[0]["job"]["id"])
        assert refused(avatar(user, picture)) is None
    assert refused(avatar(acme, acme.asset())) is None


def test_a_key_requests_for_a_user_within_the_limits_of_the_tier_paid(acme: Partner, limit: Callable[..., Any]) -> None:
    limit("UNFINISHED_JOBS", "PAID_USER", 1)
    picture = selfie(acme, acme.user("ada"))
    results = [avatar(acme, picture, onBehalfOf="ada") for _ in range(2)]
    assert [refused(each) for each in results] == [None, ("UNFINISHED_JOBS", "PAID_USER", 1, 1)]


def test_a_retry_counts_as_a_new_job(acme: Partner, limit: Callable[..., Any]) -> None:
    user = acme.user("ada")
    job_id = avatar(user, selfie(acme, user))["job"]["id"]
    move(acme.server.engine, job_id, *TO_OUTAGE)
    released(acme, job_id)
    limit("UNFINISHED_JOBS", "FREE_USER", 0)
    retried = user.ask(RETRY, id=job_id, key=new_key())["retryJob"]
    assert (retried["revived"], [each["code"] for each in retried["userErrors"]]) == ([], ["LIMIT_EXCEEDED"])
    limit("UNFINISHED_JOBS", "FREE_USER", None)
    assert user.ask(RETRY, id=job_id, key=new_key())["retryJob"]["revived"] == [job_id]


def test_requests_at_once_do_not_pass_the_limit_of_the_account(acme: Partner, limit: Callable[..., Any]) -> None:
    limit("UNFINISHED_JOBS", "ACCOUNT", 5)
    callers = [*(acme.user(f"user-{n}") for n in range(3)), acme]
    pictures = [*(selfie(acme, user) for user in callers[:3]), acme.asset()]
    results = at_once([lambda n=n: avatar(callers[n % 4], pictures[n % 4]) for n in range(16)])  # type: ignore[misc]
    assert results.count(None) == 5
    assert {each for each in results if each} == {("UNFINISHED_JOBS", "ACCOUNT", 5, 5)}
    assert used(acme)["UNFINISHED_JOBS"] == 5


def test_what_has_ended_makes_room_in_the_account(acme: Partner, limit: Callable[..., Any]) -> None:
    """The account's count only grows; when it reaches the limit, the jobs themselves are counted."""
    limit("UNFINISHED_JOBS", "ACCOUNT", 2)
    picture = acme.asset()
    for _ in range(5):
        job_id = avatar(acme, picture)["job"]["id"]
        move(acme.server.engine, job_id, *TO_OUTAGE)
        released(acme, job_id)
    assert used(acme)["UNFINISHED_JOBS"] == 0
    results = [refused(avatar(acme, picture)) for _ in range(3)]
    assert results == [None, None, ("UNFINISHED_JOBS", "ACCOUNT", 2, 2)]


def test_uploads_and_imports_of_an_hour_are_limited_together(acme: Partner, limit: Callable[..., Any]) -> None:
    limit("UPLOADS_PER_HOUR", "FREE_USER", 3)
    user = acme.user("ada")
    results = at_once([lambda: upload(user)] * 8)
    assert results.count(None) == 3
    payload = upload(user)
    assert refused(payload) == ("UPLOADS_PER_HOUR", "FREE_USER", 3, 3)
    next_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    assert datetime.fromisoformat(payload["userErrors"][0]["retryAt"]) == next_hour
    given = {"url": "https://pictures.example/me.jpg", "idempotencyKey": new_key()}
    assert refused(user.ask(IMPORT, input=given)["importAsset"]) == ("UPLOADS_PER_HOUR", "FREE_USER", 3, 3)
    assert refused(upload(acme.user("ada"))) is not None, "another session of the user"
    assert refused(upload(acme.user("bo"))) is None, "another user"
    assert refused(upload(acme, onBehalfOf="ada")) is None, "the tier paid has more"


def test_uploads_of_an_account_are_limited_by_the_hour(acme: Partner, limit: Callable[..., Any]) -> None:
    limit("UPLOADS_PER_HOUR", "ACCOUNT", 4)
    callers = [acme.user("ada"), acme.user("bo"), acme]
    results = at_once([lambda n=n: upload(callers[n % 3]) for n in range(12)])  # type: ignore[misc]
    assert results.count(None) == 4
    assert {each for each in results if each} == {("UPLOADS_PER_HOUR", "ACCOUNT", 4, 4)}
    with acme.server.engine.begin() as conn:
        an_hour_ago = "UPDATE account_usage SET resets_at = resets_at - interval '1 hour' WHERE account_id = :id"
        conn.execute(text(an_hour_ago), {"id": acme.principal.account_id})
    assert used(acme)["UPLOADS_PER_HOUR"] == 0
    assert refused(upload(acme)) is None
    assert used(acme)["UPLOADS_PER_HOUR"] == 1


@pytest.mark.parametrize("owner", ["FREE_USER", "ACCOUNT"])
def test_pending_uploads_are_limited_until_one_is_deleted(acme: Partner, limit: Callable[..., Any], owner: str) -> None:
    limit("PENDING_UPLOADS", owner, 2)
    user = acme.user("ada")
    results = at_once([lambda: upload(user)] * 6)
    assert results.count(None) == 2
    assert {each for each in results if each} == {("PENDING_UPLOADS", owner, 2, 2)}
    found = user.ask("{ assets(first: 10) { edges { node { id } } } }")["assets"]["edges"]
    assert user.ask(DELETE, id=found[0]["node"]["id"])["deleteAsset"]["userErrors"] == []
    assert refused(upload(user)) is None


@pytest.mark.parametrize("owner", ["FREE_USER", "ACCOUNT"])
def test_no_upload_begins_while_too_many_bytes_are_kept(acme: Partner, limit: Callable[..., Any], owner: str) -> None:
    user = acme.user("ada")
    picture = selfie(acme, user)
    kept = used(user)["UPLOAD_BYTES"]
    assert kept == used(acme)["UPLOAD_BYTES"] > 0
    limit("UPLOAD_BYTES", owner, kept)
    assert refused(upload(user)) == ("UPLOAD_BYTES", owner, kept, kept)
    assert user.ask(DELETE, id=picture)["deleteAsset"]["userErrors"] == []
    assert used(user)["UPLOAD_BYTES"] == used(acme)["UPLOAD_BYTES"] == 0
    assert refused(upload(user)) is None


def test_open_sessions_of_a_user_are_limited_until_one_ends(acme: Partner, limit: Callable[..., Any]) -> None:
    limit("OPEN_SESSIONS", "FREE_USER", 3)
    results = at_once([lambda: session(acme, "ada", expiresInSeconds=3600)] * 8)
    assert results.count(None) == 3
    payload = session(acme, "ada")
    assert refused(payload) == ("OPEN_SESSIONS", "FREE_USER", 3, 3)
    sessions = acme.ask("{ sessions(first: 9) { edges { node { id expiresAt } } } }")["sessions"]["edges"]
    assert payload["userErrors"][0]["retryAt"] == min(each["node"]["expiresAt"] for each in sessions)
    assert refused(session(acme, "bo")) is None
    ended = acme.ask(
        "mutation ($id: ID!) { endSession(input: {sessionId: $id}) { userErrors { code } } }",
        id=sessions[0]["node"]["id"],
    )
    assert ended["endSession"]["userErrors"] == []
    made = session(acme, "ada")
    assert refused(made) is None
    assert used(Caller(acme.server, made["token"]))["OPEN_SESSIONS"] == 3


def test_open_sessions_of_an_account_are_counted_again_at_the_limit(acme: Partner, limit: Callable[..., Any]) -> None:
    limit("OPEN_SESSIONS", "ACCOUNT", 3)
    results = at_once([lambda n=n: session(acme, f"user-{n}") for n in range(8)])  # type: ignore[misc]
    assert results.count(None) == 3
    assert {each for each in results if each} == {("OPEN_SESSIONS", "ACCOUNT", 3, 3)}
    with acme.server.engine.begin() as conn:
        expired = "UPDATE sessions SET expires_at = now() - interval '1 second' WHERE account_id = :id"
        conn.execute(text(expired), {"id": acme.principal.account_id})
    assert used(acme)["OPEN_SESSIONS"] == 0
    assert refused(session(acme, "ada")) is None


def test_each_caller_sees_its_own_limits(acme: Partner, support: Partner, limit: Callable[..., Any]) -> None:
    limit("OPEN_SESSIONS", "FREE_USER", 7)
    free, paid = acme.user("ada"), acme.user("bo", tier="paid")
    with acme.server.engine.begin() as conn:
        lifted = {"most": 10**12, "id": acme.principal.account_id}
        conn.execute(text("DELETE FROM usage_limits WHERE most = :most AND account_id = :id"), lifted)
    for caller, owner in ((free, "FREE_USER"), (paid, "PAID_USER"), (acme, "ACCOUNT"), (support, "ACCOUNT")):
        limits = caller.ask(OWN)["viewer"]["limits"]
        assert {each["owner"] for each in limits} == {owner}
        assert [each["name"] for each in limits if each["resetsAt"]] == ["UPLOADS_PER_HOUR"]
        assert len(limits) == 5
    [sessions] = [each for each in free.ask(OWN)["viewer"]["limits"] if each["name"] == "OPEN_SESSIONS"]
    assert (sessions["max"], sessions["used"]) == (7, 1)
    usual = [
        {each["name"]: each["max"] for each in caller.ask(OWN)["viewer"]["limits"]} for caller in (free, paid, acme)
    ]
    for name, most in usual[0].items():
        assert most <= usual[1][name] < usual[2][name], "a free user has the least"


def test_only_support_sets_limits_and_the_audit_keeps_why(
    acme: Partner, support: Partner, limit: Callable[..., Any]
) -> None:
    account = encode_id(IdKind.ACCOUNT, acme.principal.account_id)
    given = {"accountId": account, "name": "OPEN_SESSIONS", "owner": "ACCOUNT", "max": "9", "reason": "more"}
    for caller in (acme, acme.user("ada")):
        assert caller.fail(SET_LIMIT, input=given)["extensions"]["code"] == "FORBIDDEN"
    assert limit("OPEN_SESSIONS", "ACCOUNT", -1)["userErrors"][0]["path"] == ["input", "max"]
    assert limit("OPEN_SESSIONS", "ACCOUNT", 9, reason=" ")["userErrors"][0]["path"] == ["input", "reason"]
    shown = limit("OPEN_SESSIONS", "ACCOUNT", 9, reason="they asked")["account"]["limits"]
    assert {"name": "OPEN_SESSIONS", "max": 9} in shown
    [entry] = support.ask(AUDIT, id=account)["auditEntries"]["edges"]
    assert entry["node"] == {
        "action": "SET_USAGE_LIMIT",
        "subject": "open_sessions of account: 9",
        "reason": "they asked",
    }
