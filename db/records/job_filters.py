"""Filters of jobs as JSON: for rows that keep one, and for addresses that contain one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from db.records.jobs import JobFilter

_IDS = ("session_id", "story_id", "batch_id")
_TIMES = ("created_after", "created_before", "finished_after", "finished_before")


def filter_as_json(wanted: JobFilter) -> dict[str, Any]:
    """Return a filter as a JSON object, of which `filter_of_json` makes the same filter."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(wanted), default=_as_text))
    return found


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def filter_of_json(given: Mapping[str, Any]) -> JobFilter:
    """Return the filter of a JSON object; a condition that it does not name does not filter."""
    values = dict(given)
    values["ids"] = [UUID(each) for each in values.get("ids", ())]
    values |= {name: UUID(values[name]) for name in _IDS if values.get(name)}
    values |= {name: datetime.fromisoformat(values[name]) for name in _TIMES if values.get(name)}
    return JobFilter(**values)
