"""The provider's JSON records: predictions, and the pages that list them.

They are read tolerantly: whatever is not needed may be missing or malformed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx

from jobs.providers import failures, inline
from jobs.providers.correlation import addresses_in, tokens_in
from jobs.providers.provider import Listed, Prediction, ProviderError

ADDRESS = ("https://", "http://")


@contextmanager
def understood() -> Iterator[None]:
    """Raise ProviderError if the provider's response is malformed."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, httpx.InvalidURL) as error:
        raise ProviderError(
            failures.unreachable(TypeError(f"the response is malformed ({type(error).__name__})"))
        ) from None


def read_prediction(record: dict[str, Any]) -> Prediction:
    """Read a prediction object; only its id and status are required, and no other field can make it fail.

    An output inside the prediction becomes an address that stands for it: see `jobs.providers.inline`.
    """
    return Prediction(
        id=str(record["id"]),
        status=str(record["status"]),
        output=_addresses(str(record["id"]), record.get("output")),
        oddity=_oddity(record.get("output")),
        error=None if record.get("error") is None else str(record["error"]),
        logs=str(record.get("logs") or ""),
        data_removed=bool(record.get("data_removed")),
        predict_s=_predict_s(record.get("metrics")),
        has_started=record.get("started_at") is not None,
        created_at=(created_at := _time(record.get("created_at"))),
        took_s=_seconds_between(created_at, _time(record.get("completed_at"))),
    )


def _time(value: object) -> datetime | None:
    """Return a time from a response; None if it is missing or malformed."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _seconds_between(begin: datetime | None, end: datetime | None) -> float | None:
    try:
        return None if begin is None or end is None else max(0.0, (end - begin).total_seconds())
    except TypeError:
        # One of them has a time zone, the other does not.
        return None


def _addresses(prediction_id: str, output: object) -> tuple[str, ...]:
    """Return the addresses of an output, one or a list, whatever the model's declared shape."""
    found = (_address(prediction_id, position, item) for position, item in enumerate(items(output)))
    return tuple(address for address in found if address is not None)


def _address(prediction_id: str, position: int, item: object) -> str | None:
    if inline.is_accepted(item):
        return inline.address_of(prediction_id, position)
    return item if isinstance(item, str) and item.startswith(ADDRESS) else None


def _oddity(output: object) -> str | None:
    """Describe an output that contains nothing to fetch; None for one that does, and for an empty one."""
    found = items(output)
    if not found or _addresses("", output):
        return None
    if any(inline.is_inline(item) for item in found):
        return "the output is inline, and no picture or video in base64"
    what = type(found[0]).__name__
    return f"the output is not a URL: {f'list of {what}' if isinstance(output, list) else what}"


def items(output: object) -> list[object]:
    """Return an output, one or a list, as a list."""
    if output is None:
        return []
    return output if isinstance(output, list) else [output]


def _predict_s(metrics: object) -> float | None:
    seconds = metrics.get("predict_time") if isinstance(metrics, dict) else None
    return float(seconds) if isinstance(seconds, int | float) else None


def read_listed(record: dict[str, Any]) -> Listed:
    """Read a prediction of a list, with its correlation ids."""
    created_at = datetime.fromisoformat(str(record["created_at"]))
    sent = [record.get("input"), record.get("webhook")]
    return Listed(read_prediction(record), tokens_in(sent), created_at, addresses_in(sent))


def page_at(address: object) -> str | None:
    """Return the path and query of a page's URL; None if there is no page.

    Its host is dropped: the token goes to the configured host only, whatever a response names.
    """
    if address is None or address == "":
        return None
    if not isinstance(address, str):
        raise TypeError("the URL of a page is not a string")
    return httpx.URL(address).raw_path.decode("ascii")
