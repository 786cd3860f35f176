"""Addresses that stay the same for some minutes, so that a browser finds in its cache what it fetched under them.

An address is signed for the beginning of a window of time instead of for now, and lasts longer by the window.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.auth import AUTH_TYPE_MAPS, SIGV4_TIMESTAMP, S3SigV4QueryAuth

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_WINDOW_MAX_S = 600
_SIGNATURE = "diorama-steady-query"


def window_of(expires_s: int) -> int:
    """Return the seconds for which an address stays the same: ten minutes, less for one that is to expire sooner."""
    return min(_WINDOW_MAX_S, expires_s)


def lifetime_of(expires_s: int) -> int:
    """Return the seconds for which an address is signed, so that it lasts `expires_s` at any time in its window."""
    return expires_s + window_of(expires_s)


def signed_at(now: datetime, lifetime_s: int) -> datetime:
    """Return the beginning of the present window of an address with a lifetime of `lifetime_of`."""
    # The inverse of `lifetime_of`: below twice the window, half of the lifetime is the window.
    window = timedelta(seconds=min(_WINDOW_MAX_S, lifetime_s // 2))
    return now - (now - datetime.fromtimestamp(0, UTC)) % window


class _SteadyAuth(S3SigV4QueryAuth):
    """Signs for the beginning of the window."""

    def _modify_request_before_signing(self, request: Any) -> None:
        # The stubs of botocore leave out what its own signatures override.
        begin = signed_at(datetime.now(UTC), self._expires)  # type: ignore[attr-defined]
        request.context["timestamp"] = begin.strftime(SIGV4_TIMESTAMP)
        super()._modify_request_before_signing(request)  # type: ignore[misc]


# A name of our own: every other signature stays as it is.
AUTH_TYPE_MAPS[_SIGNATURE] = _SteadyAuth


def make_steady(client: S3Client) -> S3Client:
    """Let a client sign its addresses for reading steadily, and return it."""
    choose: Callable[..., Any] = lambda **_: _SIGNATURE  # noqa: E731
    client.meta.events.register_first("choose-signer.s3.GetObject", choose)
    return client
