"""Webhooks from the provider: believed only with its signature, and then like a page of its list.

The signature covers the raw bytes of the body. Its key comes from the settings, or is fetched from the provider when
first needed. A message that does not verify may be signed with a newer key, so the key is fetched again, but at most
once a minute: anyone can send us nonsense.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import standardwebhooks
import structlog
from sqlalchemy import Connection

from db.engine.provider_webhooks import DueJob, Webhook, take_webhook
from jobs.providers.provider import ProviderError
from jobs.providers.records import read_prediction
from jobs.tracking.sightings import has_news, sighting_json

log = structlog.get_logger(__name__)

_RENEW_EVERY_S = 60.0
# Without any key nothing can be taken, and the provider repeats its last message for a minute only.
_FETCH_EVERY_S = 5.0
# The characters of the provider's ids.
_ID = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)


class NotVerified(Exception):
    """The message is not signed by the provider, is older than five minutes, or is malformed."""


class NoKey(Exception):
    """The signing key is unavailable at the moment, so nothing can be verified."""


class SigningKey:
    """The provider's signing key for webhooks, which never changes without `fetch`. Safe for use by any thread."""

    def __init__(
        self,
        key: str | None = None,
        fetch: Callable[[], str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._key = key
        self._fetch = fetch
        self._next_fetch_at = 0.0
        self._fetching = threading.Lock()

    @property
    def may_renew(self) -> bool:
        """Return whether `renew` would call the provider now: a fetch is allowed again, and none is under way."""
        return self._fetch is not None and self._clock() >= self._next_fetch_at and not self._fetching.locked()

    def renew(self) -> None:
        """Fetch the key, unless it was fetched a moment ago or a fetch is under way.

        Blocks one caller for as long as the provider takes to respond. Others return at once: they may be anyone, and
        would occupy threads that uploads need.
        """
        if self._fetch is None or not self._fetching.acquire(blocking=False):
            return
        try:
            if self._clock() >= self._next_fetch_at:
                self._fetch_with(self._fetch)
        finally:
            self._fetching.release()

    def _fetch_with(self, fetch: Callable[[], str]) -> None:
        try:
            self._key = fetch()
        except ProviderError as error:
            log.warning("the signing key for webhooks cannot be fetched", why=error.failure.detail)
        finally:
            # Also after a failure, and before another caller may fetch.
            self._put_off()

    def _put_off(self) -> None:
        self._next_fetch_at = self._clock() + (_FETCH_EVERY_S if self._key is None else _RENEW_EVERY_S)

    def verified(self, body: bytes, headers: Mapping[str, str]) -> Any:
        """Return the JSON of a signed body. Raises NotVerified, or NoKey while there is none."""
        if self._key is None:
            raise NoKey
        try:
            return standardwebhooks.Webhook(self._key).verify(body, dict(headers))
        except Exception as error:  # noqa: BLE001 - what is malformed raises anything, and all of it means the same
            raise NotVerified(type(error).__name__) from None


def read_webhook(key: SigningKey, body: bytes, headers: Mapping[str, str], token: str | None) -> Webhook:
    """Return the webhook in a request. Raises NotVerified or NoKey."""
    record = key.verified(body, headers)
    webhook_id = headers["webhook-id"]
    try:
        prediction = read_prediction(record)
    except (KeyError, TypeError, AttributeError):
        raise NotVerified("its body is no prediction") from None
    if not (_ID.fullmatch(webhook_id) and _ID.fullmatch(prediction.id)):
        raise NotVerified("its ids are not the provider's")
    return Webhook(webhook_id, _token(token), prediction.id, has_news(prediction), sighting_json(prediction))


def take(conn: Connection, webhook: Webhook) -> DueJob | None:
    """Take a webhook in one short transaction and return the job that it made due, for a hint."""
    due = take_webhook(conn, webhook)
    if due is not None:
        log.info("a webhook made a job due", job_id=str(due.id), state=due.state)
    return due


def _token(text: str | None) -> UUID | None:
    """Return the token, or None if the text is not a token: none of our addresses has such a one."""
    try:
        return UUID(text or "")
    except ValueError:
        return None
