"""Everything that a partner can read about its jobs, and the words of the provider that must not occur in it."""

from __future__ import annotations

from typing import Any

from jobs.api_keys import issue_api_key
from tests.support.serving import Caller, serving
from tests.support.system import System

# Words that only the provider uses. No caller may ever read one of them.
VENDOR_WORDS = (
    "replicate", "(code", "Director", "credit to run", "billing", "throttled", "Unauthenticated",
    "purchase", "upstream", "API key", "moderation_blocked", "exploded", "cloudflare",
)  # fmt: skip
# Codes are searched for with their case: in lower case they may be digits of an id or of a signature.
VENDOR_CODES = ("E005", "E9828")
FOR_CALLERS = """
query($after: String) {
  jobs(first: 20, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node {
      state metadata error { code message detail } output { url }
      attempts { model status promptVersion detail }
      events(first: 50) { edges { node { event reason error { code message detail } } } }
    } }
  }
}
"""


def read_as_partner(system: System) -> list[Any]:
    """Return everything that a partner can read about its jobs."""
    with system.engine.begin() as conn:
        secret = issue_api_key(conn, "acme", role="partner", key_name="reader")
    url = system.processes.environment["DATABASE_URL"]
    nodes: list[Any] = []
    with serving(url) as server:
        caller, after = Caller(server, secret), None
        while True:
            page = caller.ask(FOR_CALLERS, after=after)["jobs"]
            nodes += [edge["node"] for edge in page["edges"]]
            if not page["pageInfo"]["hasNextPage"]:
                return nodes
            after = page["pageInfo"]["endCursor"]


def vendor_words_in(visible: str) -> list[str]:
    """Return the words and codes of the provider that occur in a text."""
    words = [word for word in VENDOR_WORDS if word.lower() in visible.lower()]
    return words + [code for code in VENDOR_CODES if code in visible]
