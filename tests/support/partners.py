"""The rows from which tests start: accounts, keys, sessions, selfies, and jobs moved as by a worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise, product
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, insert, text

from db.ids import new_id
from db.records.accounts import account_named
from db.records.ledger import WalletKey, post_entry
from db.records.usage import set_limit
from db.tables import assets, attempts
from jobs.api_keys import issue_api_key
from jobs.engine.hints import EVENTS_CHANNEL
from jobs.identity import Principal, authenticate, open_session
from jobs.requesting.credits import grant_to_account
from schema.ids import IdKind, decode_id, encode_id
from statemachine.steps import PERCENT_AT
from statemachine.transitions import FINISHING
from statemachine.vocabulary import Event, State, UsageLimitName, UsageLimitOwner
from tests.support.serving import Caller, Server


@dataclass
class Partner(Caller):
    """A partner with a key, and what belongs to the account."""

    account: str

    @property
    def principal(self) -> Principal:
        with self.server.engine.connect() as conn:
            found = authenticate(conn, self.secret or "")
        assert found is not None
        return found

    def user(
        self, user_ref: str = "ada", *, tier: str = "free", lasts_s: float = 3600, credits: int = 10_000
    ) -> Caller:
        """Open a session for an end user with credits; it may be shorter than the API allows."""
        with self.server.engine.begin() as conn:
            session, token = open_session(
                conn, self.principal, user_ref=user_ref, tier=tier, lasts=timedelta(seconds=max(lasts_s, 60))
            )
            if credits:
                post_entry(conn, WalletKey(self.principal.account_id, user_ref), "grant", credits, actor="test")
            conn.execute(
                text("UPDATE sessions SET expires_at = now() + :lasts WHERE id = :id"),
                {"id": session.id, "lasts": timedelta(seconds=lasts_s)},
            )
        return Caller(self.server, token)

    def asset(self, kind: str = "selfie", state: str = "ready", session_id: UUID | None = None) -> str:
        """Add an asset and return its id as callers see it."""
        asset_id = new_id()
        with self.server.engine.begin() as conn:
            conn.execute(
                insert(assets).values(
                    id=asset_id,
                    account_id=self.principal.account_id,
                    session_id=session_id,
                    kind=kind,
                    state=state,
                    object_key=f"assets/{asset_id}.png",
                    content_type="image/png",
                    width_px=1024,
                    height_px=1024,
                    size_bytes=3_000_000_000,
                    sha256="ab" * 32,
                    rejection="blurred" if state == "rejected" else None,
                )
            )
        return encode_id(IdKind.ASSET, asset_id)


def partner(server: Server, name: str, role: str = "partner") -> Partner:
    """Create an account with a key."""
    with server.engine.begin() as conn:
        secret = issue_api_key(conn, name, role=role, key_name=f"{name} key")
        grant_to_account(conn, name, 10_000, actor="test")
        lift_limits(conn, name)
    return Partner(server, secret, name)


def lift_limits(conn: Connection, account: str) -> None:
    """Let an account and its users have any number of jobs, sessions and uploads."""
    account_id = account_named(conn, account)
    assert account_id is not None
    for name, owner in product(UsageLimitName, UsageLimitOwner):
        set_limit(conn, account_id, name, owner, 10**12)


@dataclass(frozen=True)
class Move:
    """One move of a job; `due_in_s` is None if the job ends."""

    event: Event
    state: State
    percent: int = 0
    due_in_s: float | None = 0
    error: str | None = None


TO_SUCCESS = (
    Move(Event.SUBMIT_STARTED, State.SUBMITTING, 2),
    Move(Event.ACCEPTED, State.GENERATING, 5),
    Move(Event.STILL_RUNNING, State.GENERATING, 30),
    Move(Event.STILL_RUNNING, State.GENERATING, 60),
    Move(Event.OUTPUT_READY, FINISHING[0].state, 85),
    *(Move(each.done, following.state, PERCENT_AT[following.state]) for each, following in pairwise(FINISHING)),
    Move(FINISHING[-1].done, State.SUCCEEDED, 100, due_in_s=None),
)
# The number of the last event of a job that succeeds; its birth is the first.
LAST_SEQ = 1 + len(TO_SUCCESS)


def to_failure(code: str) -> tuple[Move, ...]:
    """Return the moves of a job that fails with an error."""
    return (
        *TO_SUCCESS[:2],
        Move(Event.GENERATION_FAILED, State.COMPENSATING, error=code),
        Move(Event.UNDONE, State.FAILED, due_in_s=None, error=code),
    )


TO_FAILURE = to_failure("content_rejected")
# A failure after which the owner may retry.
TO_OUTAGE = to_failure("provider_unavailable")
PARENT_READY = Move(Event.PARENT_READY, State.QUEUED)
REDRIVEN = Move(Event.REDRIVEN, State.QUEUED)
ROLLED_BACK = Move(Event.ROLLED_BACK, State.COMPENSATING, 100, error="content_rejected")

_MOVE = text(
    """
    UPDATE jobs
    SET event = :event, state = :state, actor = 'worker', reason = :reason, seq = seq + 1, percent = :percent,
        attempt = attempt + CASE :event WHEN 'submit_started' THEN 1 ELSE 0 END,
        due_at = now() + CAST(:due_in AS interval),
        finished_at = CASE WHEN CAST(:due_in AS interval) IS NULL THEN now() END,
        error_code = :error, error_message = :message, error_detail = :detail, output_id = coalesce(:output, output_id)
    WHERE id = :id
    RETURNING account_id
    """
)


def move(engine: Engine, job_id: str, *moves: Move, hint: bool = True) -> None:
    """Move a job as a worker would, a transaction a move, and hint after each."""
    for each in moves:
        move_together(engine, (job_id, each))
        if hint:
            notify(engine, hex_of(job_id))


def move_together(engine: Engine, *moves: tuple[str, Move]) -> None:
    """Move several jobs in one transaction, without a hint."""
    values = [_values(engine, decode_id(job_id, IdKind.JOB), each) for job_id, each in moves]
    with engine.begin() as conn:
        for each in values:
            conn.execute(_MOVE, each)


def hex_of(job_id: str) -> str:
    """Return a job's id as hints name it."""
    return decode_id(job_id, IdKind.JOB).hex


def _values(engine: Engine, job: UUID, each: Move) -> dict[str, Any]:
    return {
        "id": job,
        "event": str(each.event),
        "state": str(each.state),
        "percent": each.percent,
        "due_in": None if each.due_in_s is None else timedelta(seconds=each.due_in_s),
        "reason": "a reason for support" if each.error else None,
        "error": each.error,
        "message": "It could not be made." if each.error else None,
        "detail": "words of the provider" if each.error else None,
        "output": _output_of(engine, job) if each.state is State.SUCCEEDED else None,
    }


def _output_of(engine: Engine, job: UUID) -> UUID:
    asset_id = new_id()
    with engine.begin() as conn:
        conn.execute(
            text(
                """
                INSERT INTO assets (id, account_id, session_id, kind, state, object_key, content_type, width_px,
                                    height_px, size_bytes, sha256)
                SELECT :id, account_id, session_id, CASE kind WHEN 'animation' THEN 'video' ELSE kind END, 'ready',
                       'outputs/' || id, 'image/png', 1024, 1024, 12345, 'cd'
                FROM jobs WHERE id = :job
                """
            ),
            {"id": asset_id, "job": job},
        )
    return asset_id


def notify(engine: Engine, payload: str) -> None:
    """Say that something happened."""
    with engine.begin() as conn:
        conn.execute(text("SELECT pg_notify(:channel, :payload)"), {"channel": EVENTS_CHANNEL, "payload": payload})


def add_attempt(engine: Engine, job_id: str) -> None:
    """Add the row of a paid submission."""
    with engine.begin() as conn:
        conn.execute(
            insert(attempts).values(
                job_id=decode_id(job_id, IdKind.JOB),
                attempt=1,
                token=new_id(),
                model="maker/model",
                prompt_version="v1",
                status="running",
                reserved_micros=40_000,
                cost_micros=0,
                prediction_id=f"prediction-{job_id}",
                error_detail="words of the provider",
            )
        )
