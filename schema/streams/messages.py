"""Messages of streams: entries of the activity as JSON, with the names and the disclosure of the API's own types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from strawberry.utils.str_converters import to_camel_case

from db.records.activity import ActivityEntry
from db.records.events import JobEvent
from jobs.identity import Principal
from schema.cursors import activity_cursor
from schema.ids import IdKind, encode_id
from schema.scalars import write_time
from schema.types.event import JobEvent as ShownEvent


def entry_message(
    entry: ActivityEntry, account_id: UUID, events: Mapping[tuple[UUID, int], JobEvent], reader: Principal
) -> dict[str, Any]:
    """Return an entry as `activity` shows it: `events` are those of jobs, by job and sequence number."""
    event = events.get((entry.job_id, entry.seq)) if entry.job_id and entry.seq else None
    return {
        "type": entry.type.name,
        "cursor": activity_cursor(account_id, entry.position),
        "at": write_time(entry.at),
        "jobId": public(IdKind.JOB, entry.job_id),
        "storyId": public(IdKind.STORY, entry.story_id),
        "sessionId": public(IdKind.SESSION, entry.session_id),
        "userRef": entry.user_ref,
        "endpointId": public(IdKind.WEBHOOK_ENDPOINT, entry.endpoint_id),
        "kind": entry.kind and entry.kind.name,
        "state": entry.state and entry.state.name,
        "event": event and shown_event(event, reader),
    }


def shown_event(event: JobEvent, reader: Principal) -> dict[str, Any]:
    """Return an event with all that its reader may see of it."""
    shown: dict[str, Any] = as_json(ShownEvent.of(event, reader))
    return shown


def public(kind: IdKind, value: UUID | None) -> str | None:
    """Return an id as callers see it."""
    return None if value is None else encode_id(kind, value)


def as_json(value: Any) -> Any:
    """Return an object of the API without resolvers as GraphQL writes it."""
    if is_dataclass(value):
        return {to_camel_case(each.name): as_json(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Enum):
        return value.name
    return write_time(value) if isinstance(value, datetime) else value
