"""A user's own words, made fit for a quoted slot of a prompt.

Whatever they say, they stay one line inside one pair of quotes: they can neither close the quotes, nor begin a new
line or label, nor look like one of the camera's bracketed commands.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

DETAILS_LENGTH_MAX: Final = 300

# The signs that templates, markup and camera commands are made of.
_FORBIDDEN: Final = frozenset("`´<>{}[]()|\\/#*_~^=+@$%&;:")
# What reads as a quote is told by the words of its name: there are more of them than anyone would list, in other
# scripts, as ornaments, and as signs for something else.
_QUOTES: Final = re.compile(r"\b(QUOTATION|QUOTE|PRIME|DITTO|APOSTROPHE|GERESH|GERSHAYIM|SALTILLO)\b")
# These stand within words, too: the quotes that serve as apostrophes, Hawaii's letters, and Hebrew's signs of omission.
_APOSTROPHES: Final = frozenset("'’‘ʻʼʽ՚׳״")
# Marks on top of a letter: two is what any script in use needs, more is a drawing over neighbouring lines.
_MARKS_MAX: Final = 2


def cleaned(words: str) -> str:
    """Return a user's words for the slot: plain text on one line, at most 300 characters, perhaps empty."""
    folded = unicodedata.normalize("NFKC", words)
    spaced = "".join(_allowed(folded, at) for at in range(len(folded)))
    calm = re.sub(r"([!?.,-])\1+", r"\1", _with_few_marks(spaced))
    # An apostrophe that the cut has left at the end stands within no word any more.
    return " ".join(calm.split())[:DETAILS_LENGTH_MAX].rstrip(" '")


def _allowed(text: str, at: int) -> str:
    """Return the character, a space for what has no place in a prompt, or a plain apostrophe within a word."""
    char = text[at]
    if char in _APOSTROPHES:
        within = 0 < at < len(text) - 1 and _is_letter(text[at - 1]) and _is_letter(text[at + 1])
        return "'" if within else " "
    # C: control, format (also bidirectional overrides and tags), private, unassigned. Z: separators. P[if]: quotes.
    category = unicodedata.category(char)
    is_hidden = category[0] in "CZ" or category in ("Pi", "Pf", "Ps", "Pe", "Sk")
    return " " if is_hidden or char in _FORBIDDEN or _is_quote(char) else char


def _is_letter(char: str) -> bool:
    """Whether a character is a letter, and none of those that only look like a quote."""
    return char.isalpha() and char not in _APOSTROPHES and not _is_quote(char)


def _is_quote(char: str) -> bool:
    """Whether a character reads as a quote; what is set on top of a letter does not."""
    return _QUOTES.search(unicodedata.name(char, "")) is not None and unicodedata.category(char)[0] != "M"


def _with_few_marks(text: str) -> str:
    """Return the text without the marks that are too many, or that stand on nothing: those read as quotes, too."""
    kept: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if marks == 0 or (marks <= _MARKS_MAX and kept and kept[-1] != " "):
            kept.append(char)
    return "".join(kept)
