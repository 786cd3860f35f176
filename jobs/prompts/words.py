"""Sanitize a user's own text for a quoted slot of a prompt.

Whatever it contains, it stays one line inside one pair of quotes: it can neither close the quotes, nor begin a new line
or label, nor look like one of the camera's bracketed commands.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

DETAILS_LENGTH_MAX: Final = 300

# The characters of templates, markup and camera commands.
_FORBIDDEN: Final = frozenset("`´<>{}[]()|\\/#*_~^=+@$%&;:")
# Quotes are recognized by their Unicode names: there are too many to list, in other scripts, as ornaments, and as signs
# with another meaning.
_QUOTES: Final = re.compile(r"\b(QUOTATION|QUOTE|PRIME|DITTO|APOSTROPHE|GERESH|GERSHAYIM|SALTILLO)\b")
# These also occur inside words: quotes that serve as apostrophes, Hawaiian letters, and Hebrew marks of omission.
_APOSTROPHES: Final = frozenset("'’‘ʻʼʽ՚׳״")
# Combining marks per letter: two is the most any living script needs, more draws over neighboring lines.
_MARKS_MAX: Final = 2


def cleaned(words: str) -> str:
    """Return a user's text for the slot: plain text on one line, at most 300 characters, possibly empty."""
    folded = unicodedata.normalize("NFKC", words)
    spaced = "".join(_allowed(folded, at) for at in range(len(folded)))
    calm = re.sub(r"([!?.,-])\1+", r"\1", _with_few_marks(spaced))
    # An apostrophe left at the end by the cut is no longer inside a word.
    return " ".join(calm.split())[:DETAILS_LENGTH_MAX].rstrip(" '")


def _allowed(text: str, at: int) -> str:
    """Return the character, a space if it has no place in a prompt, or a plain apostrophe inside a word."""
    char = text[at]
    if char in _APOSTROPHES:
        within = 0 < at < len(text) - 1 and _is_letter(text[at - 1]) and _is_letter(text[at + 1])
        return "'" if within else " "
    # C: control, format (also bidirectional overrides and tags), private, unassigned. Z: separators. P[if]: quotes.
    category = unicodedata.category(char)
    is_hidden = category[0] in "CZ" or category in ("Pi", "Pf", "Ps", "Pe", "Sk")
    return " " if is_hidden or char in _FORBIDDEN or _is_quote(char) else char


def _is_letter(char: str) -> bool:
    """Return True for a letter, except those that only look like a quote."""
    return char.isalpha() and char not in _APOSTROPHES and not _is_quote(char)


def _is_quote(char: str) -> bool:
    """Return True if a character reads as a quote; combining marks do not."""
    return _QUOTES.search(unicodedata.name(char, "")) is not None and unicodedata.category(char)[0] != "M"


def _with_few_marks(text: str) -> str:
    """Return the text without excess combining marks, and without those on no letter: they read as quotes, too."""
    kept: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if marks == 0 or (marks <= _MARKS_MAX and kept and kept[-1] != " "):
            kept.append(char)
    return "".join(kept)
