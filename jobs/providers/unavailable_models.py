"""Alert operators to models that the provider no longer has; jobs continue with the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

_ALERT_AGAIN_AFTER_S = 3600.0


class UnavailableModels:
    """Alerts operators to missing models: to each at once, and once an hour while jobs still use it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._alerted_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, model: str, why: str | None) -> None:
        """Record that the provider has no such model; `why` is the provider's text."""
        now = self._clock()
        with self._lock:
            alerted_at = self._alerted_at.get(model)
            if alerted_at is not None and now - alerted_at < _ALERT_AGAIN_AFTER_S:
                return
            self._alerted_at[model] = now
        log.critical("a model is unavailable: name another one in MODELS", model=model, why=why)
