"""What the watcher tells the workers: how many predictions run, and whether it looks at them in the provider's list."""

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


class Watched:
    """What the watcher last told, at most a second ago. For any thread; by default nobody watches."""

    def __init__(self, read: Callable[[], WatcherStatus] = WatcherStatus) -> None:
        self._read = read
        self._state = WatcherStatus()
        self._next_read_at = 0.0
        self._reading = threading.Lock()

    @classmethod
    def of(cls, engine: Engine) -> Watched:
        """Return what the watcher of this database tells."""
        return cls(partial(_read, engine))

    @property
    def state(self) -> WatcherStatus:
        """How things stand; where the database does not say, each prediction is looked at by itself."""
        if time.monotonic() >= self._next_read_at and self._reading.acquire(blocking=False):
            try:
                self._state = self._read()
                self._next_read_at = time.monotonic() + _REFRESH_EVERY_S
            except SQLAlchemyError as error:
                self._state = WatcherStatus()
                log.info("the watcher can not be asked", why=type(error).__name__)
            finally:
                self._reading.release()
        return self._state


def _read(engine: Engine) -> WatcherStatus:
    with engine.connect() as conn:
        return read_watcher_status(conn)
