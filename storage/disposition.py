"""The Content-Disposition header: shows a file in the browser and names it for saving."""

from __future__ import annotations

from urllib.parse import quote


def inline_as(filename: str) -> str:
    """Return a Content-Disposition that shows the content and names it, whatever characters the name contains.

    The plain `filename` is for clients that do not support `filename*`; unsafe characters become underscores.
    """
    plain = "".join(each if each.isascii() and each.isprintable() and each not in '"\\' else "_" for each in filename)
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
