"""Requests about credits, and what a caller has of them."""

from __future__ import annotations

from typing import Any

from db.records.ledger import settle_credits
from schema.ids import IdKind, decode_id
from tests.schema.documents import make_avatar, new_key
from tests.support.partners import TO_SUCCESS, Partner, move
from tests.support.serving import Caller

VIEWER = "{ viewer { credits { available held } session { creditBalance } } }"
GRANT = """
mutation ($input: GrantCreditsInput!) {
  grantCredits(input: $input) {
    balance { available held } replayed
    userErrors { code path ... on InsufficientCreditsError { required available } }
  }
}
"""


def balance(caller: Caller) -> tuple[int, int]:
    credits = caller.ask(VIEWER)["viewer"]["credits"]
    return int(credits["available"]), int(credits["held"])


def selfie(acme: Partner, user: Caller) -> str:
    """Add a selfie that belongs to the session."""
    session_id = user.ask("{ viewer { session { id } } }")["viewer"]["session"]["id"]
    return acme.asset(session_id=decode_id(session_id, IdKind.SESSION))


def charged(partner: Partner, caller: Caller | None = None) -> str:
    """Make an avatar that succeeds and is charged, as a worker does, and return its id."""
    job_id = make_avatar(caller or partner, partner.asset() if caller is None else selfie(partner, caller))
    move(partner.server.engine, job_id, *TO_SUCCESS)
    with partner.server.engine.begin() as conn:
        settle_credits(conn, succeeded=[decode_id(job_id, IdKind.JOB)], ended=[])
    return job_id


def grant(caller: Caller, **given: Any) -> dict[str, Any]:
    payload: dict[str, Any] = caller.ask(GRANT, input={"idempotencyKey": new_key(), **given})["grantCredits"]
    return payload
