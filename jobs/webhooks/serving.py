"""Serving one endpoint: its next messages, one after the other, until one fails or its time is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from db.engine.webhook_claims import ClaimedEndpoint, EndpointResult
from db.records.webhook_deliveries import Attempted
from jobs.webhooks.messages import CursorOf, Message, message_of
from jobs.webhooks.pace import WebhookPace
from jobs.webhooks.sender import EndpointConnection, Sent, WebhookSender

Served = tuple[EndpointResult, list[Attempted]]


@dataclass(frozen=True, slots=True)
class EndpointServer:
    """Serves claimed endpoints. `is_stopping` says that the process ends: no further message is begun."""

    sender: WebhookSender
    pace: WebhookPace
    cursor_of: CursorOf
    is_stopping: Callable[[], bool]
    rng: Random = field(default_factory=Random)

    async def serve(self, endpoint: ClaimedEndpoint, claimed_at: float) -> Served:
        """Deliver an endpoint's messages and return how far it came. `claimed_at` is by the monotonic clock."""
        attempts: list[Attempted] = []
        sent: Sent | None = None
        async with self.sender.connection(endpoint.url, failing=endpoint.failures > 0) as connection:
            for entry in endpoint.entries:
                if self._is_over(claimed_at, begun=bool(attempts)):
                    break
                message = message_of(entry, endpoint.account_id, self.cursor_of)
                sent = await self._post(connection, endpoint, message)
                attempts.append(attempted_of(message, sent, attempt=1 if attempts else endpoint.failures + 1))
                if sent.failure is not None:
                    break
        return self._result(endpoint, attempts, sent), attempts

    async def _post(self, connection: EndpointConnection, endpoint: ClaimedEndpoint, message: Message) -> Sent:
        return await connection.post(message.headers(endpoint.secrets, datetime.now(UTC)), message.body)

    def _is_over(self, claimed_at: float, *, begun: bool) -> bool:
        elapsed_s = time.monotonic() - claimed_at
        # A process that was frozen must not go on after its lease: another one delivers the same messages by then.
        longest_s = self.pace.lease.total_seconds() - self.pace.limits.total_s - self.pace.limits.body_s
        return elapsed_s > longest_s or self.is_stopping() or (begun and elapsed_s > self.pace.serve_s)

    def _result(self, endpoint: ClaimedEndpoint, attempts: list[Attempted], sent: Sent | None) -> EndpointResult:
        delivered = sum(each.failure is None for each in attempts)
        failed = sent if sent is not None and sent.failure is not None else None
        is_through = failed is None and delivered == len(endpoint.entries)
        came_to = endpoint.position if not delivered else endpoint.entries[delivered - 1].position
        failures = 0 if delivered else endpoint.failures
        failing_for = timedelta(0) if delivered else endpoint.failing_for
        policy = self.pace.policy
        reason = None if failed is None else policy.reason_to_disable(failed.status, failing_for)
        return EndpointResult(
            id=endpoint.id,
            lease=endpoint.lease,
            from_position=endpoint.position,
            position=endpoint.upto if is_through else came_to,
            delivered=delivered,
            failures=failures if failed is None else failures + 1,
            wait_s=0.0 if failed is None else self._wait_s(failures + 1, failed),
            disabled_reason=reason,
        )

    def _wait_s(self, failures: int, failed: Sent) -> float:
        return self.pace.policy.delay_after(failures, self.rng, failed.retry_after_s).total_seconds()


def attempted_of(message: Message, sent: Sent, *, attempt: int) -> Attempted:
    """Return an attempt at a message as it is logged."""
    return Attempted(
        webhook_id=message.webhook_id,
        type=message.type,
        position=message.position,
        attempt=attempt,
        duration_ms=sent.duration_ms,
        response_status=sent.status,
        failure=sent.failure,
    )
