"""A user's own words, made fit for a quoted slot of a prompt.

Whatever they say, they stay one line inside one pair of quotes: they can neither close the quotes, nor begin a new
line or label, nor look like one of the camera's bracketed commands.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

DETAILS_LENGTH_MAX: Final = 300

# Quotes of all scripts, and the signs that templates, markup and camera commands are made of.
_FORBIDDEN: Final = frozenset("\"`´'«»‹›„“”‚‘’‛‟〝〞〟＂＇「」『』<>{}[]()|\\/#*_~^=+@$%&;:")
_APOSTROPHES: Final = frozenset("'’‘ʼ＇")
# Marks on top of a letter: two is what any script in use needs, more is a drawing over neighbouring lines.
_MARKS_MAX: Final = 2


def cleaned(words: str) -> str:
    """Return a user's words for the slot: plain text on one line, at most 300 characters, perhaps empty."""
    folded = unicodedata.normalize("NFKC", words)
    spaced = "".join(_allowed(folded, at) for at in range(len(folded)))
    calm = re.sub(r"([!?.,-])\1+", r"\1", _with_few_marks(spaced))
    return " ".join(calm.split())[:DETAILS_LENGTH_MAX].rstrip()


def _allowed(text: str, at: int) -> str:
    """Return the character, a space for what has no place in a prompt, or a plain apostrophe within a word."""
    char = text[at]
    if char in _APOSTROPHES:
        within = 0 < at < len(text) - 1 and text[at - 1].isalpha() and text[at + 1].isalpha()
        return "'" if within else " "
    # C: control, format (also bidirectional overrides and tags), private, unassigned. Z: separators. P[if]: quotes.
    category = unicodedata.category(char)
    is_hidden = category[0] in "CZ" or category in ("Pi", "Pf", "Ps", "Pe", "Sk")
    return " " if is_hidden or char in _FORBIDDEN else char


def _with_few_marks(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if marks <= _MARKS_MAX:
            kept.append(char)
    return "".join(kept)
