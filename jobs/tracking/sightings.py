"""Sightings: what the provider's list said of a prediction, as it is kept until the job's next look."""

from __future__ import annotations

import json
from typing import Any

from db.engine.tracking import Flight, Sighting
from db.text import storable
from jobs.providers.progress import progress_of
from jobs.providers.provider import Prediction
from jobs.redaction import redacted


def sighting_of(flight: Flight, seen: Prediction) -> Sighting:
    """Return what to write down of a prediction in the list. One that has all of its output counts as ended."""
    kept = {
        "has_ended": has_news(seen),
        "status": seen.status,
        "output": list(seen.output),
        "error": None if seen.error is None else storable(redacted(seen.error)),
        "data_removed": seen.data_removed,
        "predict_s": seen.predict_s,
        "has_started": seen.has_started,
        "took_s": seen.took_s,
        "progress": progress_of(seen.logs),
    }
    return Sighting(flight.job_id, flight.prediction_id, json.dumps(kept), has_news(seen))


def has_news(seen: Prediction) -> bool:
    """Whether there is something to be done about the job."""
    return bool(seen.output) or not seen.is_running


def ended_prediction(prediction_id: str, sighting: dict[str, Any] | None) -> Prediction | None:
    """Return the prediction as the list showed its end, or None where a look of one's own is needed.

    A list that shows a success without its output may have left it out.
    """
    if sighting is None or not sighting["has_ended"]:
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
