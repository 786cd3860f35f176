"""The records in the archive of an end user: as the user's own sessions would read it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from db.paging import Page, Window
from db.records.accounts import SessionRecord
from db.records.assets import Asset
from db.records.events import JobEvent, event_page
from db.records.jobs import Job
from db.records.ledger import LedgerEntry, WalletKey, balance_of
from db.records.requests import KeptKey
from db.records.stories import Story
from db.records.suspensions import suspensions_of
from schema.exports.values import optional_id, optional_time
from schema.ids import IdKind, encode_id
from schema.types.job import error_shown


def user(conn: Connection, who: WalletKey) -> dict[str, Any]:
    """Return the name and the credits of a user, and since when the user is suspended."""
    balance, suspension = balance_of(conn, who), suspensions_of(conn, [who]).get(who)
    return {
        "userRef": who.user_ref,
        "accountId": encode_id(IdKind.ACCOUNT, who.account_id),
        "availableCredits": balance.available,
        "heldCredits": balance.held,
        "suspendedAt": optional_time(suspension.suspended_at if suspension else None),
        "exportedAt": optional_time(datetime.now(UTC)),
    }


def session(record: SessionRecord) -> dict[str, Any]:
    """Return a session."""
    return {
        "id": encode_id(IdKind.SESSION, record.id),
        "tier": record.tier,
        "createdAt": optional_time(record.created_at),
        "expiresAt": optional_time(record.expires_at),
        "hasToken": record.has_token,
    }


def story(record: Story) -> dict[str, Any]:
    """Return a story."""
    return {
        "id": encode_id(IdKind.STORY, record.id),
        "sessionId": optional_id(IdKind.SESSION, record.session_id),
        "selfieId": encode_id(IdKind.ASSET, record.selfie_id),
        "createdAt": optional_time(record.created_at),
    }


def job(record: Job) -> dict[str, Any]:
    """Return a job with its request: with all words that the user gave."""
    error = error_shown(record, support=False)
    return {
        "id": encode_id(IdKind.JOB, record.id),
        "sessionId": optional_id(IdKind.SESSION, record.session_id),
        "storyId": optional_id(IdKind.STORY, record.story_id),
        "batchId": optional_id(IdKind.BATCH, record.batch_id),
        "parentId": optional_id(IdKind.JOB, record.parent_id),
        "inputId": optional_id(IdKind.ASSET, record.input_id),
        "outputId": optional_id(IdKind.ASSET, record.output_id),
        **_asked(record),
        "state": record.state,
        "errorCode": error.code if error else None,
        "errorMessage": error.message if error else None,
        "credits": record.credits,
        "createdAt": optional_time(record.created_at),
        "startedAt": optional_time(record.started_at),
        "finishedAt": optional_time(record.finished_at),
    }


def _asked(record: Job) -> dict[str, Any]:
    """Return what was requested; the words are null once they were erased."""
    return {
        "kind": record.kind,
        "theme": record.theme,
        "details": record.details,
        "style": record.style,
        "camera": record.camera,
        "durationSeconds": record.duration_s,
        "tier": record.tier,
        "priority": record.priority,
        "onFailure": record.on_failure,
        "metadata": record.metadata,
        "requestId": record.request_id,
        "erasedAt": optional_time(record.erased_at),
    }


def events_of(job_id: UUID, conn: Connection, window: Window) -> Page[JobEvent]:
    """Return a page of a job's history."""
    return event_page(conn, job_id, window)


def event(record: JobEvent) -> dict[str, Any]:
    """Return an event, without the notes of staff."""
    return {
        "jobId": encode_id(IdKind.JOB, record.job_id),
        "seq": record.seq,
        "at": optional_time(record.at),
        "event": record.event,
        "fromState": record.from_state,
        "toState": record.to_state,
        "percent": record.percent,
        "actor": record.actor.partition(":")[0],
        "errorCode": record.error_code,
        "errorMessage": record.error_message,
    }


def asset(record: Asset) -> dict[str, Any]:
    """Return a file, with its name in the archive."""
    return {
        "id": encode_id(IdKind.ASSET, record.id),
        "file": file_name(record),
        "sessionId": optional_id(IdKind.SESSION, record.session_id),
        "kind": record.kind,
        "state": record.state,
        "contentType": record.content_type,
        "width": record.width_px,
        "height": record.height_px,
        "durationSeconds": record.duration_s,
        "sizeBytes": record.size_bytes,
        "sha256": record.sha256,
        "rejection": record.rejection,
        "createdAt": optional_time(record.created_at),
        "expiresAt": optional_time(record.expires_at),
    }


def file_name(record: Asset) -> str | None:
    """Return the name of a file in the archive, or None if it is not kept."""
    extension = record.content_type.partition("/")[2].replace("jpeg", "jpg")
    return f"files/{encode_id(IdKind.ASSET, record.id)}.{extension}" if record.state == "ready" else None


def credit_entry(record: LedgerEntry) -> dict[str, Any]:
    """Return what was done to the user's credits, without the notes of staff."""
    return {
        "at": optional_time(record.at),
        "kind": record.kind,
        "amount": record.amount,
        "change": record.change,
        "jobId": optional_id(IdKind.JOB, record.job_id),
        "actor": record.actor.partition(":")[0],
    }


def use_of_key(record: KeptKey) -> dict[str, Any]:
    """Return the key under which a request was sent."""
    return {"operation": record.operation, "idempotencyKey": record.key, "createdAt": optional_time(record.created_at)}
