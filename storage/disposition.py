"""The header that tells a browser under which name to save what it shows."""

from __future__ import annotations

from urllib.parse import quote


def inline_as(filename: str) -> str:
    """Return a Content-Disposition that shows the content and names it, whatever characters the name has.

    The first form is for programs that know no other: characters that would break out of it become underscores.
    """
    plain = "".join(each if each.isascii() and each.isprintable() and each not in '"\\' else "_" for each in filename)
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
