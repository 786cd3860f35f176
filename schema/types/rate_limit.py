"""The rate of requests of a caller, and what is left of it."""

from __future__ import annotations

import strawberry

from schema.admission.request_rate import WINDOW_S, Rate


@strawberry.type(
    description="The rate at which you may send requests: it is counted by each process of the API, for the keys of an "
    "account together, and for the sessions of a user together. The header fields `RateLimit` and `RateLimit-Policy` "
    "say the same."
)
class RateLimit:
    requests: int = strawberry.field(description="The requests that you may send in the window.")
    window_seconds: int = strawberry.field(description="The length of the window, in seconds.")
    remaining: int = strawberry.field(description="The requests that you may send at once, right now.")
    full_in_seconds: int = strawberry.field(
        description="The seconds after which all of them are there again, if you send none; they come back evenly."
    )

    @classmethod
    def of(cls, rate: Rate) -> RateLimit:
        """Return what is left of a rate."""
        return cls(
            requests=rate.quota, window_seconds=WINDOW_S, remaining=rate.remaining, full_in_seconds=rate.full_in_s
        )
