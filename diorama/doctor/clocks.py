"""Compares the clocks of the parts, because a large difference breaks webhooks and signatures.

Deadlines and leases use only the database's clock, and the search for a lost submission only the provider's. Between
machines it matters more: a webhook is accepted for five minutes after its timestamp, and an object store rejects
signatures that are a quarter of an hour off.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from diorama.doctor.findings import Finding
from diorama.settings import Settings
from diorama.wiring import build_engine

_REQUEST_TIMEOUT_S = 10.0
HERE = "this machine"
DATABASE, PROVIDER, STORE = "the database", "the provider", "the object store"


@dataclass(frozen=True, slots=True)
class Bound:
    """The most that two clocks may differ, at most half of what does harm, and the harm beyond it."""

    one: str
    other: str
    most_s: float
    harm: str


_BOUNDS = (
    # Nothing depends on it, but one of them is wrong, and an operator may compare their times.
    Bound(PROVIDER, DATABASE, 60, "times at the provider and in our history cannot be compared"),
    Bound(PROVIDER, HERE, 150, "webhooks are rejected as too old or too new"),
    Bound(STORE, HERE, 450, "the object store rejects what is signed here"),
)


def examine_clocks(settings: Settings) -> Iterator[Finding]:
    """Compare the clocks that can be read."""
    yield from judged({name: ahead_s for name, ahead_s in _measured(settings) if ahead_s is not None})


def judged(ahead_s: Mapping[str, float]) -> Iterator[Finding]:
    """Yield the clocks that are too far apart. `ahead_s` is how far each is ahead of this machine's."""
    if not ahead_s:
        return
    known = {HERE: 0.0, **ahead_s}
    faults = [bound for bound in _BOUNDS if _apart_s(known, bound) > bound.most_s]
    for bound in faults:
        apart = f"{bound.one}'s clock is {_apart_s(known, bound):.0f} s off {bound.other}'s"
        yield Finding("clocks", False, f"{apart}: beyond {bound.most_s:.0f} s {bound.harm}; synchronize both with NTP")
    if not faults:
        offsets = ", ".join(f"{name} {round(seconds):+d} s" for name, seconds in ahead_s.items())
        yield Finding("clocks", True, f"close to {HERE}'s: {offsets}")


def _apart_s(known: Mapping[str, float], bound: Bound) -> float:
    if bound.one not in known or bound.other not in known:
        return 0.0
    return abs(known[bound.one] - known[bound.other])


def _measured(settings: Settings) -> Iterator[tuple[str, float | None]]:
    """Yield each part and the seconds that its clock is ahead of this machine's; None if it cannot be read."""
    if settings.database_url:
        yield DATABASE, _database_ahead_s(settings)
    yield PROVIDER, _server_ahead_s(str(settings.replicate_base_url))
    if settings.s3_bucket:
        amazon = f"https://s3.{settings.s3_region}.amazonaws.com"
        yield STORE, _server_ahead_s(str(settings.s3_endpoint_url or amazon))


def _database_ahead_s(settings: Settings) -> float | None:
    try:
        engine = build_engine(settings, "clocks", pool_size=1)
        with engine.connect() as conn:
            # The first statement opens the connection, which must not count.
            conn.execute(text("SELECT 1"))
            began = time.time()
            database_s = float(conn.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
            ended = time.time()
        engine.dispose()
    except (SQLAlchemyError, ValueError):
        return None
    return database_s - (began + ended) / 2


def _server_ahead_s(url: str) -> float | None:
    """Read the `Date` header of a response. It has whole seconds: half a second is the expected remainder."""
    began = time.time()
    try:
        response = httpx.head(url, timeout=_REQUEST_TIMEOUT_S)
        server_s = parsedate_to_datetime(response.headers["date"]).timestamp() + 0.5
    except (httpx.HTTPError, KeyError, ValueError):
        return None
    return server_s - (began + time.time()) / 2
