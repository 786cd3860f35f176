"""Text that Postgres can store."""

from __future__ import annotations

_NUL = "\x00"


def storable(text: str | None) -> str | None:
    """Return `text` without characters that no `text` column accepts: NUL and lone surrogates.

    Both occur in text from other systems, and a single one makes Postgres reject the whole statement.
    """
    if text is None or (_NUL not in text and text.isascii()):
        return text
    return text.replace(_NUL, "\ufffd").encode("utf-8", "replace").decode("utf-8")
