"""What a prompt's words ask for, and the randomness that comes of them."""

from __future__ import annotations

import hashlib
import random


def seeded(*parts: object) -> random.Random:
    """Return a random source that depends on nothing but `parts`."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))  # noqa: S311 - it draws pictures, it guards nothing
