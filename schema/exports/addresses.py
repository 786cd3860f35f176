"""The addresses of exports. Each has a ticket at its end, which opens this one address and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import urlencode

JOBS_PATH = "/exports/jobs.csv"
USER_PATH = "/exports/user.zip"
_TICKET = "&ticket="


def written(path: str, given: Mapping[str, str]) -> str:
    """Return an address, from the path on, without its ticket."""
    return f"{path}?{urlencode(given)}"


def subject_of(address: str) -> str:
    """Return what a ticket is made for, so that it opens this address alone."""
    return f"exports/{hashlib.sha256(address.encode()).hexdigest()}"


def with_ticket(base_url: str, address: str, ticket: str) -> str:
    """Return the URL that opens an export."""
    return f"{base_url}{address}{_TICKET}{ticket}"


def split(path: str, query: str) -> tuple[str, str]:
    """Return the address of a request without its ticket, and the ticket, which is empty if there is none."""
    before, _, ticket = query.rpartition(_TICKET)
    return f"{path}?{before}", ticket
