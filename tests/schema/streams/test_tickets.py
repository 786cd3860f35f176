"""A ticket opens one stream without a header, for a short time, and no longer than its key or session works."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from db.records.accounts import digest
from schema.transport.app import ApiSettings
from tests.schema.documents import make_avatar, make_story
from tests.schema.live.subscribers import NEVER
from tests.schema.queries.test_activity import avatar_of
from tests.schema.streams.reading import following, seqs, sequenced
from tests.support.databases import unique_name
from tests.support.eventually import eventually
from tests.support.partners import TO_SUCCESS, Partner, move, partner
from tests.support.serving import Caller, serving

OFTEN = timedelta(milliseconds=50)
CREATE = """
mutation ($input: CreateStreamTicketInput!) {
  createStreamTicket(input: $input) { url expiresAt userErrors { code path message } }
}
"""


def created(caller: Caller, **given: Any) -> dict[str, Any]:
    payload: dict[str, Any] = caller.ask(CREATE, input=given)["createStreamTicket"]
    return payload


def ticket_for(caller: Caller, **given: Any) -> str:
    """Return an address with a ticket."""
    payload = created(caller, **given)
    assert payload["userErrors"] == []
    return str(payload["url"])


def status(url: str, **params: str) -> int:
    return httpx.get(httpx.URL(url).copy_merge_params(params)).status_code


def test_each_stream_is_read_without_a_header(acme: Partner) -> None:
    story = make_story(acme, acme.asset())
    job_id = story["avatar"]["id"]
    sequenced(acme)
    for given, path in (
        ({"activity": True}, "activity"),
        ({"storyId": story["id"]}, f"stories/{story['id']}"),
        ({"jobId": job_id}, f"jobs/{job_id}"),
    ):
        url = ticket_for(acme, **given)
        assert url.startswith(f"{acme.server.url}/streams/{path}?ticket=dio_tkt_")
        opened = httpx.get(url)
        assert opened.json() == httpx.get(f"{acme.server.url}/streams/{path}", headers=acme.headers).json() != []
        # Neither the browser keeps it, nor does another site learn of it.
        assert (opened.headers["cache-control"], opened.headers["referrer-policy"]) == ("no-store", "no-referrer")
        assert httpx.head(url).status_code == 200


def test_it_opens_no_other_stream_and_nothing_else(acme: Partner) -> None:
    first, second = (make_avatar(acme, acme.asset()) for _ in range(2))
    url = ticket_for(acme, jobId=first)
    assert status(url) == 200
    ticket = httpx.URL(url).params["ticket"]
    for other in (f"streams/jobs/{second}", "streams/activity"):
        assert httpx.get(f"{acme.server.url}/{other}", params={"ticket": ticket}).status_code == 401
    bearing = Caller(acme.server, ticket)
    assert bearing.post("{ themes { key } }").status_code == 401
    assert httpx.get(f"{acme.server.url}/streams/jobs/{first}", headers=bearing.headers).status_code == 401
    assert status(url + "x") == 401
    assert httpx.get(f"{url}&ticket={ticket}").status_code == 400


def test_a_session_makes_tickets_for_its_own(acme: Partner) -> None:
    ada, bob = acme.user("ada"), acme.user("bob")
    hers, others = avatar_of(acme, ada), avatar_of(acme, bob)
    sequenced(acme)
    assert seqs(httpx.get(ticket_for(ada, jobId=hers)).json()) == [1]
    [entry] = httpx.get(ticket_for(ada, activity=True)).json()
    assert (entry["jobId"], entry["event"]["costMicros"]) == (hers, None)
    assert created(ada, jobId=others)["userErrors"][0]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"activity": True, "jobId": "job_00000000000000000000000000"},
        {"activity": True, "expiresInSeconds": 59},
        {"activity": True, "expiresInSeconds": 3601},
        {"jobId": "story_00000000000000000000000000"},
    ],
    ids=str,
)
def test_a_wrong_input_is_a_user_error(acme: Partner, given: dict[str, Any]) -> None:
    payload = created(acme, **given)
    assert (payload["url"], payload["userErrors"][0]["code"]) == (None, "INVALID")


def test_what_is_not_there_has_no_ticket(acme: Partner, rival: Partner, support: Partner) -> None:
    theirs = make_avatar(acme, acme.asset())
    missing = created(rival, jobId="job_00000000000000000000000000")["userErrors"]
    assert created(rival, jobId=theirs)["userErrors"] == missing
    assert missing[0]["path"] == ["input", "jobId"]
    assert seqs(httpx.get(ticket_for(support, jobId=theirs)).json()) == [1]
    assert created(support, activity=True)["userErrors"][0]["path"] == ["input", "activity"]


def test_a_key_needs_the_scope(acme: Partner) -> None:
    with acme.server.engine.begin() as conn:
        few = text("UPDATE api_keys SET scopes = '{requests}' WHERE account_id = :id")
        conn.execute(few, {"id": acme.principal.account_id})
    assert acme.fail(CREATE, input={"activity": True})["extensions"]["code"] == "FORBIDDEN"


def _revoke(engine: Engine, account_id: Any) -> None:
    with engine.begin() as conn:
        conn.execute(text("UPDATE api_keys SET revoked_at = now() WHERE account_id = :id"), {"id": account_id})


def _end(engine: Engine, account_id: Any) -> None:
    with engine.begin() as conn:
        conn.execute(text("UPDATE sessions SET expires_at = now() WHERE account_id = :id"), {"id": account_id})


def _suspend(engine: Engine, account_id: Any) -> None:
    with engine.begin() as conn:
        suspend = text(
            "INSERT INTO suspensions (account_id, user_ref, suspended_by, reason) VALUES (:id, '', 'support:a', 'why')"
        )
        conn.execute(suspend, {"id": account_id})


@pytest.mark.parametrize(("is_session", "end"), [(False, _revoke), (True, _end), (False, _suspend), (True, _suspend)])
def test_it_ends_with_its_key_or_session(
    api_database: str, is_session: bool, end: Callable[[Engine, Any], None]
) -> None:
    """So does a response that is open."""
    settings = ApiSettings(check_keys_every=OFTEN / 5, ping_every=OFTEN, events_for=NEVER)
    with serving(api_database, settings) as server:
        acme = partner(server, unique_name("ended"))
        account_id = acme.principal.account_id
        owner = acme.user("ada") if is_session else acme
        job_id = avatar_of(acme, owner) if is_session else make_avatar(acme, acme.asset())
        url = httpx.URL(ticket_for(owner, jobId=job_id))
        with following(Caller(server, None), f"jobs/{job_id}", "now", ticket=url.params["ticket"]) as events:
            assert events.response.status_code == 200
            events.batch()
            for _ in range(3):
                events.take_ping()
            end(server.engine, account_id)
            assert events.has_ended()
        assert status(str(url)) == 401
        eventually(lambda: server.hub.followed == 0)


def test_it_expires_and_is_purged(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    url = ticket_for(acme, jobId=job_id, expiresInSeconds=60)
    assert status(url) == 200
    ticket = {"digest": digest(httpx.URL(url).params["ticket"])}
    with acme.server.engine.begin() as conn:
        left_s = "SELECT extract(epoch FROM expires_at - now()) FROM stream_tickets WHERE ticket_sha256 = :digest"
        assert 0 < (conn.scalar(text(left_s), ticket) or 0) <= 60
        expire = text("UPDATE stream_tickets SET expires_at = '2020-01-01' WHERE ticket_sha256 = :digest")
        conn.execute(expire, ticket)
    assert status(url) == 401
    ticket_for(acme, jobId=job_id)
    with acme.server.engine.connect() as conn:
        kept = conn.scalar(text("SELECT count(*) FROM stream_tickets WHERE ticket_sha256 = :digest"), ticket)
    assert kept == 0


def test_a_browser_follows_with_it(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    ticket = httpx.URL(ticket_for(acme, jobId=job_id)).params["ticket"]
    with following(Caller(acme.server, None), f"jobs/{job_id}", "-1", ticket=ticket) as events:
        assert seqs(events.batch()[0]) == [1]
        move(acme.server.engine, job_id, TO_SUCCESS[0])
        assert seqs(events.batch()[0]) == [2]


def test_only_its_digest_is_kept(acme: Partner) -> None:
    ticket = httpx.URL(ticket_for(acme, activity=True)).params["ticket"]
    with acme.server.engine.connect() as conn:
        rows = conn.execute(text("SELECT t::text FROM stream_tickets t")).scalars().all()
    assert rows
    assert not any(ticket in row or ticket.encode().hex() in row for row in rows)
