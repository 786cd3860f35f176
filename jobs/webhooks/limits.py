"""The limits of an attempt to deliver a message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SendLimits:
    """In seconds: `connect_s` bounds each connection, `total_s` an attempt up to the head of the response.

    Its body has no meaning. It is read for `body_s` and up to `body_bytes`, so that the connection can be used again;
    a longer one ends the connection.
    """

    connect_s: float = 5.0
    total_s: float = 15.0
    body_s: float = 1.0
    body_bytes: int = 16 * 1024
