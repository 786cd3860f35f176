"""The rules of disclosure: who does not see what the provider was asked and paid, and what people gave and got.

The first is kept from sessions. The second, which is the words of end users, prompts made of them, and the addresses of
their files, is kept from viewers of support.
"""

from __future__ import annotations

from typing import TypeVar

from jobs.identity import Principal
from schema.errors import FORBIDDEN, ApiError

T = TypeVar("T")


def of_provider(reader: Principal, value: T) -> T | None:
    """Return a value from our dealings with the provider to those who may see it, and None to a session."""
    return value if reader.sees_provider else None


def of_people(reader: Principal, value: T) -> T | None:
    """Return a value that people gave or got to those who may see it, and None to a viewer of support."""
    return value if reader.sees_content else None


def check_sees_provider(reader: Principal, argument: str) -> None:
    """Raise ApiError for a session that gives an argument about our dealings with the provider."""
    if not reader.sees_provider:
        raise ApiError(FORBIDDEN, f"{argument} needs an API key; this is a session token.")
