"""One of everything that a caller may name, made for an account or for one of its users."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from db.engine.activity import sequence
from db.ids import new_id
from schema.cursors import (
    action_cursor,
    activity_cursor,
    entry_cursor,
    id_cursor,
    job_cursor,
    read_entry_cursor,
    user_cursor,
)
from schema.ids import IdKind, decode_any, decode_id, encode_id
from tests.schema.documents import make_avatar, new_key
from tests.schema.isolation.examples import What
from tests.support.partners import Partner, add_attempt
from tests.support.serving import Caller

Belongings = dict[What, str]

_STORY = """
mutation ($input: CreateStoryInput!) { createStory(input: $input) { story { id } userErrors { message } } }
"""
_BATCH = """
mutation ($input: CreateBatchInput!) { createBatch(input: $input) { batch { id } userErrors { message } } }
"""
_DELETE = "mutation ($id: ID!) { deleteAsset(input: {assetId: $id}) { deletion { id } } }"
_ENDPOINT = """
mutation ($note: String!) {
  createWebhookEndpoint(input: {url: "https://127.0.0.1.invalid/", description: $note, eventTypes: [JOB_FAILED]}) {
    endpoint { id }
  }
}
"""
_KEY = "mutation ($name: String!) { createApiKey(input: {name: $name, scopes: []}) { apiKey { id } } }"
_GRANT = """
mutation ($user: String!, $key: String!) {
  grantCredits(input: {userRef: $user, amount: 5, idempotencyKey: $key}) { grantId }
}
"""


def belongings(partner: Partner, user_ref: str | None = None) -> tuple[Caller, Belongings]:
    """Make one of everything in an account, for it or for one of its users; return who may name it, and the names.

    Its texts contain the name of the account.
    """
    owner = partner if user_ref is None else partner.user(user_ref)
    mine = _of_account(partner) | {What.USER_REF: user_ref or f"user of {partner.account}"}
    mine[What.USER_CURSOR] = user_cursor(mine[What.USER_REF])
    mine[What.GRANT] = _granted(partner, mine[What.USER_REF])
    mine[What.SESSION] = _session(partner, owner, mine)
    session_id = decode_id(mine[What.SESSION], IdKind.SESSION) if user_ref else None
    mine |= {
        What.SELFIE: partner.asset(session_id=session_id),
        What.AVATAR: partner.asset("avatar", session_id=session_id),
        What.SCENE: partner.asset("scene", session_id=session_id),
    }
    mine |= _requested(partner, owner, mine)
    mine[What.DELETION] = owner.ask(_DELETE, id=partner.asset(session_id=session_id))["deleteAsset"]["deletion"]["id"]
    return owner, mine


def _of_account(partner: Partner) -> Belongings:
    account_id = partner.principal.account_id
    endpoint = partner.ask(_ENDPOINT, note=partner.account)["createWebhookEndpoint"]["endpoint"]["id"]
    return {
        What.ACCOUNT: encode_id(IdKind.ACCOUNT, account_id),
        What.ACCOUNT_NAME: partner.account,
        What.ENDPOINT: endpoint,
        What.DELIVERY: _delivered(partner, decode_id(endpoint, IdKind.WEBHOOK_ENDPOINT)),
        What.API_KEY: partner.ask(_KEY, name=partner.account)["createApiKey"]["apiKey"]["id"],
        What.ACTIVITY_CURSOR: activity_cursor(account_id, 0),
        What.REDRIVE: _redriven(partner),
    }


_REDRIVE = text(
    "INSERT INTO redrives (id, account_id, wanted, per_minute, actor, matched, next_at) "
    "VALUES (:id, :account, '{}', 1, 'support:mo', 0, 'infinity')"
)


def _redriven(partner: Partner) -> str:
    """Have support redrive jobs of the account, without a worker that carries it out: only support sees it."""
    redrive_id = new_id()
    with partner.server.engine.begin() as conn:
        conn.execute(_REDRIVE, {"id": redrive_id, "account": partner.principal.account_id})
    return encode_id(IdKind.REDRIVE, redrive_id)


_DELIVERY = text(
    "INSERT INTO webhook_deliveries (id, endpoint_id, account_id, webhook_id, type, attempt, duration_ms) "
    "VALUES (:id, :endpoint, :account, 'message-1', 'job.failed', 1, 1)"
)


def _delivered(partner: Partner, endpoint_id: UUID) -> str:
    delivery_id = new_id()
    with partner.server.engine.begin() as conn:
        conn.execute(_DELIVERY, {"id": delivery_id, "endpoint": endpoint_id, "account": partner.principal.account_id})
    return encode_id(IdKind.WEBHOOK_DELIVERY, delivery_id)


def _granted(partner: Partner, user_ref: str) -> str:
    made: str = partner.ask(_GRANT, user=user_ref, key=new_key())["grantCredits"]["grantId"]
    return made


def _session(partner: Partner, owner: Caller, mine: Belongings) -> str:
    of_user = partner.user(mine[What.USER_REF]) if owner is partner else owner
    found: str = of_user.ask("{ viewer { session { id } } }")["viewer"]["session"]["id"]
    return found


def _requested(partner: Partner, owner: Caller, mine: Belongings) -> Belongings:
    """Request a story, an avatar and a batch, and let the avatar's submission begin."""
    key, request_id = f"order of {mine[What.USER_REF]}", f"request-{new_id()}"
    story = {"selfieId": mine[What.SELFIE], "theme": "neon-city", "idempotencyKey": key, "details": partner.account}
    made = owner.post(_STORY, {"input": story}, **{"X-Request-ID": request_id}).json()["data"]["createStory"]
    job_id = make_avatar(owner, mine[What.SELFIE], metadata={"of": partner.account})
    scenes = [{"avatarId": mine[What.AVATAR], "theme": "neon-city", "details": partner.account}]
    stories = [{"selfieId": mine[What.SELFIE], "theme": "neon-city"}]
    wanted = {"scenes": scenes, "stories": stories, "idempotencyKey": new_key()}
    batch = owner.ask(_BATCH, input=wanted)["createBatch"]["batch"]["id"]
    add_attempt(partner.server.engine, job_id)
    _compensating(partner, decode_id(job_id, IdKind.JOB))
    return {
        What.STORY: made["story"]["id"],
        What.JOB: job_id,
        What.BATCH: batch,
        What.IDEMPOTENCY_KEY: key,
        What.REQUEST: request_id,
        What.PREDICTION: f"prediction-{job_id}",
        **_cursors(partner, decode_id(job_id, IdKind.JOB)),
    }


_ACTION = text(
    "INSERT INTO compensation_actions (job_id, cycle, attempt, action, state, last_error) "
    "VALUES (:job, 0, 1, 'cancel_prediction', 'needs_review', 'the store is away')"
)


def _compensating(partner: Partner, job_id: UUID) -> None:
    with partner.server.engine.begin() as conn:
        conn.execute(_ACTION, {"job": job_id})
        sequence(conn)


def _cursors(partner: Partner, job_id: UUID) -> Belongings:
    return {
        What.JOB_CURSOR: job_cursor(job_id, 0),
        What.ROW_CURSOR: id_cursor(job_id),
        What.ACTION_CURSOR: action_cursor(job_id, 0, "cancel_prediction"),
        What.ENTRY_CURSOR: _last_entry(partner),
    }


def _last_entry(partner: Partner) -> str:
    found: str = partner.ask("{ creditEntries(first: 1) { edges { cursor } } }")["creditEntries"]["edges"][0]["cursor"]
    return found


def missing(what: What, mine: Belongings) -> str:
    """Return the name of something that never existed, which sorts beside the real one."""
    match what:
        case What.ACTIVITY_CURSOR:
            return activity_cursor(_beside(mine[What.ACCOUNT]), 0)
        case What.JOB_CURSOR:
            return job_cursor(_beside(mine[What.JOB]), 0)
        case What.ROW_CURSOR:
            return id_cursor(_beside(mine[What.JOB]))
        case What.ACTION_CURSOR:
            return action_cursor(_beside(mine[What.JOB]), 0, "cancel_prediction")
        case What.USER_CURSOR:
            return user_cursor(f"{mine[What.USER_REF]}!")
        case What.ENTRY_CURSOR:
            return entry_cursor(read_entry_cursor(mine[what])[0] + 1_000_000)
        case What.USER_REF | What.IDEMPOTENCY_KEY | What.PREDICTION | What.REQUEST | What.ACCOUNT_NAME:
            return "never" + mine[what][5:]
        case _:
            return encode_id(decode_any(mine[what])[0], _beside(mine[what]))


def _beside(public_id: str) -> UUID:
    # The last bit is random.
    return UUID(int=decode_any(public_id)[1].int ^ 1)
