"""The wait that the provider requests is read from each place where it may be given."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from jobs.providers.clock import ProviderClock
from jobs.providers.guard import ErrorResponse, GuardTransport, Timeouts
from jobs.providers.retry_after import LONGEST_S, requested_wait_s

LOW_CREDIT = "Your rate limit resets in ~7s."
OLDER = "Request was throttled. Expected available in 1 second."


@pytest.mark.parametrize(
    ("body", "header", "wanted"),
    [
        (json.dumps({"detail": LOW_CREDIT, "retry_after": 9}), "3", 9.0),
        (json.dumps({"detail": LOW_CREDIT, "retry_after": 0.5}), None, 0.5),
        (json.dumps({"detail": LOW_CREDIT, "retry_after": "4"}), None, 4.0),
        (json.dumps({"detail": LOW_CREDIT}), "3", 3.0),
        (json.dumps({"detail": LOW_CREDIT}), None, 7.0),
        (json.dumps({"detail": OLDER}), None, 1.0),
        ("<html>", "12", 12.0),
        ("<html>", None, None),
        ("", "", None),
        ("[]", "soon", None),
        # A value that makes no sense is ignored, and an absurdly large one is capped.
        (json.dumps({"retry_after": -5}), None, 0.0),
        (json.dumps({"retry_after": 1e300}), None, LONGEST_S),
        ('{"retry_after": NaN}', "2", 2.0),
        ('{"retry_after": Infinity}', None, LONGEST_S),
        ('{"retry_after": {}}', None, None),
        ('{"retry_after": true}', None, None),
        ("[" * 100_000, "2", 2.0),
        ("", "9" * 400, LONGEST_S),
        ("", "-3", 0.0),
    ],
)
def test_the_wait_is_read_from_the_field_the_header_and_the_text(
    body: str, header: str | None, wanted: float | None
) -> None:
    assert requested_wait_s(body, header) == wanted


def test_a_header_may_name_a_time() -> None:
    wait_s = requested_wait_s("", format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True))
    assert wait_s is not None
    assert 100 < wait_s <= 121


def test_an_endless_error_page_is_read_only_in_part() -> None:
    """Its beginning is enough to classify the error."""
    pages = iter(lambda: b"x" * 10_000, None)
    inner = httpx.MockTransport(lambda _: httpx.Response(502, content=pages))
    transport = GuardTransport(inner, Timeouts(), ProviderClock())
    with pytest.raises(ErrorResponse) as caught:
        transport.handle_request(httpx.Request("GET", "http://127.0.0.1/"))
    assert 20_000 <= len(caught.value.body) <= 200_000
