"""Outputs that are inside the prediction, as `data:` URLs, and the addresses that stand for them in our rows.

The bytes of a picture must not get into a row, a log line or the API. So a prediction is read as if its output were at
an address, `inline:<prediction>/<position>`, and fetching that address reads the prediction once more.
"""

from __future__ import annotations

import binascii
import re
from contextlib import suppress
from typing import Final
from urllib.parse import quote, unquote, unquote_to_bytes

ADDRESS: Final = "inline:"

# The bytes say which picture or video it is. Text, which SVG is too, is no output of any model that is used here.
_HEADER = re.compile(
    r"data:((?:image|video)/(?!svg)[a-z0-9.+-]{1,60}|application/octet-stream)"
    r"(?:;[a-z0-9-]{1,40}=[a-z0-9.+_-]{1,80}){0,4};base64,",
    re.IGNORECASE,
)

# Breaks between lines and escaped characters make the text longer, at most by so much in any usual form.
_LONGER_AT_MOST: Final = 1.25
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


class TooLarge(ValueError):
    """The inline output has more bytes than it may have."""


def is_accepted(item: object) -> bool:
    """Return True for a `data:` URL with a picture or a video in base64; its content is not read."""
    return isinstance(item, str) and _HEADER.match(item) is not None


def is_inline(item: object) -> bool:
    """Return True for any `data:` URL."""
    return isinstance(item, str) and item[:5].lower() == "data:"


def address_of(prediction_id: str, position: int) -> str:
    """Return the address that stands for the output at a position of a prediction."""
    return f"{ADDRESS}{quote(prediction_id, safe='')}/{position}"


def place_of(address: str) -> tuple[str, int]:
    """Return the prediction and the position that an address stands for. Raises ValueError."""
    prediction_id, _, position = address.removeprefix(ADDRESS).partition("/")
    return unquote(prediction_id), int(position)


def decoded(item: object, most_bytes: int) -> tuple[str, bytes]:
    """Return the content type and the bytes of an inline output. Raises ValueError or TooLarge, without its text.

    What is not base64 is a damaged file, and counts as an empty one: the transcode step judges it like any other. The
    length is checked first, so that nothing is decoded that is far too large.
    """
    header = _HEADER.match(item) if isinstance(item, str) else None
    if not isinstance(item, str) or header is None:
        raise ValueError("the output is not inline")
    # Four characters are three bytes, of which up to two are missing at the end.
    if (len(item) - header.end()) // 4 * 3 > most_bytes * _LONGER_AT_MOST + 2:
        raise TooLarge
    content = _bytes_of(item[header.end() :])
    if len(content) > most_bytes:
        raise TooLarge
    return header[1].lower(), content


def _bytes_of(text: str) -> bytes:
    """Return the bytes of base64 in any of its forms: in lines, escaped, URL-safe, or without its padding."""
    with suppress(ValueError):
        # The usual form, without a copy of so much text.
        return binascii.a2b_base64(text, strict_mode=True)
    plain = b"".join(unquote_to_bytes(text).split()).translate(_URL_SAFE).rstrip(b"=")
    try:
        return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4), strict_mode=True)
    except ValueError:
        return b""
