"""The parts and limits of the API process. The entry point builds both and passes them to `create_app`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.catalogue.catalogue import DEFAULT_CATALOGUE, Catalogue
from jobs.importing.fetching import PictureFetcher
from jobs.tracking.provider_webhooks import SigningKey
from jobs.upkeep.retention import RetentionPolicy
from jobs.webhooks.sender import WebhookSender
from storage import S3Store


@dataclass(frozen=True, slots=True)
class ApiRuntime:
    """The parts: `engine` serves the event loop, `blocking_engine` the threads of what blocks."""

    engine: AsyncEngine
    blocking_engine: Engine
    store: S3Store
    # The themes and the models that can be requested.
    catalogue: Catalogue = DEFAULT_CATALOGUE
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    # Fetches pictures from public addresses; only tests make another one.
    fetcher: PictureFetcher = field(default_factory=PictureFetcher, repr=False)
    # Sends the test messages of webhook endpoints.
    webhook_sender: WebhookSender = field(default_factory=WebhookSender, repr=False)
    # Verifies the provider's webhooks; None where none are requested.
    webhook_key: SigningKey | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one request or one socket."""

    body_bytes: int = 256 * 1024
    # Nesting of a request's variables; a deeper document is refused by the parser's own limits.
    json_depth: int = 32
    source_characters: int = 64 * 1024
    tokens: int = 2_000
    depth: int = 16
    aliases: int = 50
    # Selections of one response name side by side: validation compares each with each other.
    repetitions: int = 10
    # Fields a response may have, counting every row that the requested pages could have.
    fields: int = 20_000
    operations_per_socket: int = 100
    sockets: int = 20_000
    streams: int = 20_000
    # Events that wait for a slow subscriber before progress ticks are conflated, and before it is disconnected.
    buffer_size: int = 32
    buffer_size_max: int = 512


# The origins of pages that a developer serves on this machine, whatever their port.
LOCAL_ORIGIN = r"https?://(localhost|127\.0\.0\.1)(:\d+)?"


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Settings of the server. `development` turns on GraphiQL and introspection without a key.

    `allowed_origins` are the web origins whose pages may call the API, as `https://host`; in development, those of
    this machine may, too.
    """

    development: bool = False
    public_url: str | None = None
    # Whether there is a stand-in for test jobs; without one, test keys are refused.
    has_test_mode: bool = False
    allowed_origins: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    # Requests a minute that this process takes from the keys of an account, and from the sessions of a user.
    key_requests_per_min: int = 6_000
    session_requests_per_min: int = 600
    init_timeout: timedelta = timedelta(seconds=10)
    # Keeps proxies and mobile networks from taking a quiet socket for a dead one.
    ping_every: timedelta = timedelta(seconds=20)
    # How often the keys and tokens of open sockets are checked.
    check_keys_every: timedelta = timedelta(seconds=10)
    # The most credits that an agent of support grants or adjusts at once, in either direction.
    agent_credits_max: int = 100
    # How long a response of a stream waits for messages, and how long one of events goes on: proxies cut longer ones.
    long_poll_for: timedelta = timedelta(seconds=25)
    events_for: timedelta = timedelta(seconds=60)
    # How often the history is read without a hint: the net under lost hints.
    poll_every: timedelta = timedelta(seconds=1)
