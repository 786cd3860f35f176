"""The watcher's status as the workers see it: how many predictions run, and whether it reads the provider's list."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.engine.tracking import WatcherStatus, read_watcher_status

log = structlog.get_logger(__name__)

_REFRESH_EVERY_S = 1.0


class CachedWatcherStatus:
    """The watcher's status, at most a second old. For any thread; by default there is no watcher."""

    def __init__(self, read: Callable[[], WatcherStatus] = WatcherStatus) -> None:
        self._read = read
        self._current = WatcherStatus()
        self._next_read_at = 0.0
        self._reading = threading.Lock()

    @classmethod
    def of(cls, engine: Engine) -> CachedWatcherStatus:
        """Return the status of the watcher of this database."""
        return cls(partial(_read, engine))

    @property
    def current(self) -> WatcherStatus:
        """Return the status. If the database fails, there is no watcher: each job polls its own prediction."""
        if time.monotonic() >= self._next_read_at and self._reading.acquire(blocking=False):
            try:
                self._current = self._read()
                self._next_read_at = time.monotonic() + _REFRESH_EVERY_S
            except SQLAlchemyError as error:
                self._current = WatcherStatus()
                log.info("the watcher's status cannot be read", why=type(error).__name__)
            finally:
                self._reading.release()
        return self._current


def _read(engine: Engine) -> WatcherStatus:
    with engine.connect() as conn:
        return read_watcher_status(conn)
