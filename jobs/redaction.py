"""Mask secrets in external text before it is stored or logged.

Keys are recognized by their shape, because other systems repeat them in their own messages. A masked text keeps its
first characters, so that support still sees what kind it was.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

MASK: Final = "***"

# Shorter ones are words, not secrets.
_SECRET_LENGTH_MIN: Final = 8
# A repetition that may start at any character is bounded: the text is untrusted and may be long.
_SHAPES: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # Keys and tokens of OpenAI, Replicate, this service and Standard Webhooks.
        r"(\b(?:sk-|r8_|dio_key_|dio_ses_|dio_test_|dio_tkt_|whsec_))[A-Za-z0-9_+/=*.-]{4,}",
        # Anything after the name of a scheme or of a secret.
        r"(\b(?:bearer|token)[ \t]+)(?=[A-Za-z0-9_./+-]*[0-9_])[A-Za-z0-9_./+=-]{8,}",
        r"((?:api[_-]?key|api[_-]?token|secret|password|authorization)[\"']?[ \t]*[:=][ \t]*[\"']?)"
        r"(?!bearer |token )[^\s\"',;&}]+",
        # A picture inside a URL: too long to store, and a face.
        r"(data:[a-z0-9.+-]+/[a-z0-9.+-]+[^,\s\"']{0,40},)[^\s\"'<>)]+",
        # The signature of a signed URL, and credentials in front of a host.
        r"([?&](?:x-amz-(?:signature|credential|security-token)|signature|sig)=)[^&\s\"']+",
        r"(\b[a-z][a-z0-9+.-]{1,20}://[^:/\s@]{0,100}:)[^@/\s]{1,200}(?=@)",
    )
)

# Every text that matches a shape above contains one of these. Most log lines contain none, and this check is thirty
# times faster.
_HINTS: Final = (
    *("sk-", "r8_", "dio_", "whsec_", "bearer", "token", "key", "secret", "password", "authorization"),
    *("data:", "sig", "x-amz", "@"),
)


def redacted(text: str, secrets: Collection[str] = ()) -> str:
    """Return the text without anything shaped like a key, and without the given secrets."""
    for secret in secrets:
        if len(secret) >= _SECRET_LENGTH_MIN:
            text = text.replace(secret, MASK)
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return text
    for shape in _SHAPES:
        text = shape.sub(rf"\g<1>{MASK}", text)
    return text
