"""Sightings: the state of a prediction as the list or a signed webhook reported it, for the next poll."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from db.engine.tracking import Sighting
from db.text import storable
from jobs.providers.progress import progress_of
from jobs.providers.provider import Prediction
from jobs.redaction import redacted


def sighting_of(job_id: UUID, seen: Prediction) -> Sighting:
    """Return the sighting to store for a job. A prediction that has all of its output counts as ended."""
    return Sighting(job_id, seen.id, sighting_json(seen), has_news(seen))


def sighting_json(seen: Prediction) -> str:
    """Return what is kept of a prediction, as JSON that a `jsonb` column takes."""
    kept = {
        "prediction_id": seen.id,
        "has_ended": has_news(seen),
        "status": storable(seen.status),
        "output": [storable(address) for address in seen.output],
        "error": None if seen.error is None else storable(redacted(seen.error)),
        "data_removed": seen.data_removed,
        "predict_s": seen.predict_s,
        "has_started": seen.has_started,
        "took_s": seen.took_s,
        "progress": progress_of(seen.logs),
    }
    return json.dumps(kept)


def has_news(seen: Prediction) -> bool:
    """Return whether the job has something to do: the prediction has ended, or has all of its output."""
    return bool(seen.output) or not seen.is_running


def ended_prediction(prediction_id: str, sighting: dict[str, Any] | None) -> Prediction | None:
    """Return the prediction as a sighting showed its end, or None where the job must poll for itself.

    A success that was reported without its output may only have been shortened. A sighting of another prediction, which
    an early webhook named, says nothing about this one.
    """
    if sighting is None or not sighting["has_ended"] or sighting["prediction_id"] != prediction_id:
        return None
    if sighting["status"] == "succeeded" and not sighting["output"]:
        return None
    return Prediction(
        id=prediction_id,
        status=sighting["status"],
        output=tuple(sighting["output"]),
        error=sighting["error"],
        logs="",
        data_removed=sighting["data_removed"],
        predict_s=sighting["predict_s"],
        has_started=sighting["has_started"],
        took_s=sighting["took_s"],
    )
