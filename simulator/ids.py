"""Generates ids: those of predictions and files, with 26 characters, and the long ones in output URLs."""

from __future__ import annotations

import base64
import random
import string

_BASE62 = string.ascii_letters + string.digits


class Names:
    """Draws ids from its own random generator, so that a seed makes them repeatable."""

    def __init__(self, seed: int | None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - ids must be repeatable, not secret

    def id(self) -> str:
        """Return 26 lower-case base32 characters: 128 bits."""
        return base64.b32encode(self._random.randbytes(16)).decode("ascii").rstrip("=").lower()

    def long(self) -> str:
        """Return 45 letters and digits, as in output URLs."""
        return "".join(self._random.choices(_BASE62, k=45))
