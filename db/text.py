"""Text as Postgres can keep it."""

from __future__ import annotations

_NUL = "\x00"


def storable(text: str | None) -> str | None:
    """Return `text` without what no `text` column takes: NUL characters and halves of surrogate pairs.

    Both come in the words of other systems, and a single one would have the whole statement refused.
    """
    if text is None or (_NUL not in text and text.isascii()):
        return text
    return text.replace(_NUL, "\ufffd").encode("utf-8", "replace").decode("utf-8")
