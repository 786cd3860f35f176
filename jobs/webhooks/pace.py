"""The pace of deliveries. No operator has a reason to change it; tests do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from jobs.webhooks.limits import SendLimits
from statemachine.webhooks import WebhookPolicy


@dataclass(frozen=True, slots=True)
class WebhookPace:
    """Paces the deliveries of a worker process.

    `places` endpoints are served at a time, and apart from them `failing_places` whose last attempt failed. An endpoint
    that has taken `slow_after_s` gives its place to another and goes on without one; `open_max` bounds all together.
    A claim brings up to `messages` of an endpoint, of which none is begun after `serve_s`, so that the others are
    served too. A lease outlasts the longest attempt.
    """

    places: int = 100
    failing_places: int = 50
    slow_after_s: float = 1.0
    open_max: int = 500
    messages: int = 20
    serve_s: float = 1.0
    lease: timedelta = timedelta(seconds=30)
    # The net under lost hints, and the precision of due times.
    poll_s: float = 1.0
    limits: SendLimits = field(default_factory=SendLimits)
    policy: WebhookPolicy = field(default_factory=WebhookPolicy)
