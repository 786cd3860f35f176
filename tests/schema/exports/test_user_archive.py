"""The archive of a user has everything kept of the user, and nothing of anyone else."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from sqlalchemy import text

from db.tables import assets
from schema.ids import IdKind, decode_id, encode_id
from storage import S3Store
from tests.schema.documents import make_avatar
from tests.support.databases import unique_name
from tests.support.eventually import eventually
from tests.support.partners import TO_SUCCESS, Partner, move, partner
from tests.support.serving import Caller, Server, serving

EXPORT = """
mutation ($user: String!, $account: ID) {
  exportUser(input: {userRef: $user, account: $account}) { url expiresAt userErrors { code path } }
}
"""
STORY = """
mutation ($selfie: ID!) {
  createStory(input: {selfieId: $selfie, theme: "neon-city", details: "a red kite", idempotencyKey: "order-1"}) {
    story { id } userErrors { message }
  }
}
"""


@pytest.fixture
def storing(api_database: str, store: S3Store) -> Iterator[Server]:
    with serving(api_database, store=store) as running:
        yield running


@pytest.fixture
def acme(storing: Server) -> Partner:
    return partner(storing, unique_name("acme"))


def exported(caller: Caller, user: str = "ada", account: str | None = None) -> str:
    payload = caller.ask(EXPORT, user=user, account=account)["exportUser"]
    assert payload["userErrors"] == []
    return str(payload["url"])


def archive(caller: Caller, user: str = "ada", account: str | None = None) -> ZipFile:
    response = caller.server.http.get(exported(caller, user, account))
    assert (response.status_code, response.headers["content-type"]) == (200, "application/zip")
    found = ZipFile(io.BytesIO(response.content))
    assert found.testzip() is None
    return found


def lines(found: ZipFile, name: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in found.read(f"{name}.jsonl").splitlines()]


def picture(acme: Partner, store: S3Store, caller: Caller, content: bytes) -> str:
    """Add a stored file of a user and return its id."""
    session = caller.ask("{ viewer { session { id } } }")["viewer"]["session"]["id"]
    made = acme.asset(session_id=decode_id(session, IdKind.SESSION))
    asset_id = decode_id(made, IdKind.ASSET)
    with acme.server.engine.begin() as conn:
        key = f"assets/{asset_id}.png"
        conn.execute(assets.update().where(assets.c.id == asset_id).values(size_bytes=len(content)))
    store.put_stream(key, [content], content_type="image/png", max_bytes=len(content))
    return made


def test_it_has_all_that_is_kept(acme: Partner, store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.exports.pages._AT_ONCE", 2)
    monkeypatch.setattr("storage.s3._PART_BYTES", 1000)
    ada, content = acme.user("ada"), os.urandom(2500)
    selfie = picture(acme, store, ada, content)
    story = ada.ask(STORY, selfie=selfie)["createStory"]["story"]["id"]
    avatar = make_avatar(ada, selfie, metadata={"seen": "by ada"})
    move(acme.server.engine, avatar, *TO_SUCCESS)
    found = archive(acme)
    assert found.read(f"files/{selfie}.png") == content
    jobs = {each["id"]: each for each in lines(found, "jobs")}
    assert len(jobs) == 4
    assert {each["details"] for each in jobs.values() if each["storyId"] == story} == {"a red kite", None}
    assert (jobs[avatar]["metadata"], jobs[avatar]["state"]) == ({"seen": "by ada"}, "succeeded")
    history = [each for each in lines(found, "history") if each["jobId"] == avatar]
    assert [each["seq"] for each in history] == list(range(1, len(TO_SUCCESS) + 2))
    assert [each["id"] for each in lines(found, "stories")] == [story]
    assert {each["file"] for each in lines(found, "files") if each["id"] == selfie} == {f"files/{selfie}.png"}
    assert [each["idempotencyKey"] for each in lines(found, "requests") if each["operation"] == "createStory"] == [
        "order-1"
    ]
    assert {each["kind"] for each in lines(found, "credits")} == {"grant", "hold"}
    assert json.loads(found.read("user.json"))["userRef"] == "ada"
    assert len(lines(found, "sessions")) == 1


def test_it_has_no_secret_and_no_cost(acme: Partner, store: S3Store) -> None:
    ada = acme.user("ada")
    make_avatar(ada, picture(acme, store, ada, b"png"))
    found = archive(acme)
    whole = b"".join(found.read(each) for each in found.namelist())
    for word in ("dio_ses", "dio_key", "token_sha256", "costMicros", "cost_micros", "prediction", "X-Amz-Signature"):
        assert word.encode() not in whole, word


def test_it_has_nothing_of_others(acme: Partner, store: S3Store) -> None:
    rival = partner(acme.server, unique_name("rival"))
    ada = acme.user("ada")
    own = [make_avatar(ada, picture(acme, store, ada, b"one")) for _ in range(2)]
    for other in (acme.user("bob"), rival.user("ada")):
        owner = (
            acme if other.ask("{ viewer { session { userRef } } }")["viewer"]["session"]["userRef"] == "bob" else rival
        )
        make_avatar(other, picture(owner, store, other, b"two"))
    found = archive(acme)
    assert {each["id"] for each in lines(found, "jobs")} == set(own)
    assert len([name for name in found.namelist() if name.startswith("files/")]) == 2
    support = partner(acme.server, unique_name("support"), role="admin")
    account = encode_id(IdKind.ACCOUNT, rival.principal.account_id)
    assert not {each["id"] for each in lines(archive(support, account=account), "jobs")} & set(own)
    assert support.fail(EXPORT, user="ada")["extensions"]["code"] == "BAD_USER_INPUT"
    assert rival.fail(EXPORT, user="ada", account=account)["extensions"]["code"] == "FORBIDDEN"
    assert ada.fail(EXPORT, user="ada")["extensions"]["code"] == "FORBIDDEN"
    assert rival.ask(EXPORT, user="bob")["exportUser"]["userErrors"] == [
        {"code": "NOT_FOUND", "path": ["input", "userRef"]}
    ]


def test_a_deleted_user_is_in_no_archive(acme: Partner, store: S3Store) -> None:
    ada = acme.user("ada")
    picture(acme, store, ada, b"png")
    url = exported(acme)
    acme.ask('mutation { deleteUser(input: {userRef: "ada"}) { userErrors { code } } }')
    assert acme.server.http.get(url).status_code == 404
    assert acme.ask(EXPORT, user="ada")["exportUser"]["userErrors"][0]["code"] == "NOT_FOUND"


def test_a_file_that_is_gone_is_left_out(acme: Partner, store: S3Store) -> None:
    ada = acme.user("ada")
    gone, kept = picture(acme, store, ada, b"gone"), picture(acme, store, ada, b"kept")
    store.delete([f"assets/{decode_id(gone, IdKind.ASSET)}.png"])
    found = archive(acme)
    assert [name for name in found.namelist() if name.startswith("files/")] == [f"files/{kept}.png"]


def test_a_file_deleted_while_it_is_sent_breaks_the_download(
    acme: Partner, store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, real = acme.user("ada"), S3Store.read_in_parts

    def cut(self: S3Store, key: str) -> Iterator[bytes]:
        parts = real(self, key)
        yield next(parts)
        self.delete([key])
        yield from parts

    picture(acme, store, ada, os.urandom(2500))
    monkeypatch.setattr("storage.s3._PART_BYTES", 1000)
    monkeypatch.setattr(S3Store, "read_in_parts", cut)
    with pytest.raises(httpx.RemoteProtocolError):
        acme.server.http.get(exported(acme))


_OPEN = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND state <> 'idle'"
)


def test_a_slow_reader_keeps_no_connection(acme: Partner, store: S3Store) -> None:
    ada = acme.user("ada")
    for _ in range(3):
        picture(acme, store, ada, os.urandom(30_000_000))
    with acme.server.http.stream("GET", exported(acme)) as response:
        pieces = response.iter_raw(1000)
        next(pieces)
        # Other parts of the server read for a moment, again and again.
        with acme.server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            eventually(lambda: conn.scalar(_OPEN) == 0)
        assert sum(len(each) for each in pieces) > 90_000_000
