"""Makes jobs as the prompt book sees them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from db.engine.claims import ClaimedJob
from statemachine.vocabulary import Kind, OnFailure, State

AT = datetime(2026, 11, 21, tzinfo=UTC)


def job_of(kind: Kind, **given: Any) -> ClaimedJob:
    """Return a queued job of a kind."""
    values: dict[str, Any] = dict.fromkeys(ClaimedJob.__dataclass_fields__)
    values |= {"id": UUID(int=1), "account_id": UUID(int=2), "kind": kind, "state": State.QUEUED, "tier": "paid"}
    values |= {"on_failure": OnFailure.KEEP, "output_urls": (), "claimed_at": AT, "theme": "neon-city"}
    return ClaimedJob(**{**values, **given})
