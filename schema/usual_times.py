"""The usual durations of predictions, shared by all requests of a process."""

from __future__ import annotations

import time

from db.engine.tracking import recent_durations
from jobs.providers.profiles import Profile, profiles
from jobs.tracking.durations import Recents, Usual, usual_of
from schema.database import Database

_REFRESH_EVERY_S = 10.0


class UsualTimes:
    """Reads how long predictions usually take, at most every ten seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent: Recents = {}
        self._next_read_at = 0.0

    async def of(self, profile: Profile, duration_s: int | None) -> Usual:
        """Return how long the profile's model takes for a job of this length."""
        if time.monotonic() >= self._next_read_at:
            # Set before the wait, so that concurrent requests go on with the previous values.
            self._next_read_at = time.monotonic() + _REFRESH_EVERY_S
            self._recent = await self._database.read(recent_durations, list(profiles()))
        return usual_of(self._recent, profile, duration_s)
