"""Gone models: operators are told of those that the provider no longer has, and jobs go on with the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

_TOLD_AGAIN_AFTER_S = 3600.0


class UnavailableModels:
    """Tells the operators of models that are gone: of each at once, and once an hour while jobs still ask for it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def tell(self, model: str, why: str | None) -> None:
        """Take notice that the provider has no such model; `why` is in its own words."""
        now = self._clock()
        with self._lock:
            told_at = self._told_at.get(model)
            if told_at is not None and now - told_at < _TOLD_AGAIN_AFTER_S:
                return
            self._told_at[model] = now
        log.critical("a model is gone: name another one in MODELS", model=model, why=why)
