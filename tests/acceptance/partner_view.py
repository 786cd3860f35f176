"""Everything that a partner can read of its jobs, and the words of the provider that may not be there."""

from __future__ import annotations

from typing import Any

from jobs.identity import issue_api_key
from tests.support.serving import Caller, serving
from tests.support.stocked_system import StockedSystem

# Words that only the provider uses, and none of which a caller may ever read.
VENDOR_WORDS = (
    "replicate", "(code", "Director", "credit to run", "billing", "throttled", "Unauthenticated",
    "purchase", "upstream", "API key", "moderation_blocked", "exploded", "cloudflare",
)  # fmt: skip
# Its codes are looked for as they are written: in small letters they are digits of an id or of a signature.
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


def read_as_partner(stocked: StockedSystem) -> dict[str, Any]:
    """Return all that a partner can read of its jobs."""
    with stocked.system.engine.begin() as conn:
        secret = issue_api_key(conn, "acme", role="partner", key_name="reader")
    url = stocked.system.environment["DATABASE_URL"]
    nodes: list[Any] = []
    with serving(url) as server:
        caller, after = Caller(server, secret), None
        while True:
            page = caller.ask(FOR_CALLERS, after=after)["jobs"]
            nodes += [edge["node"] for edge in page["edges"]]
            if not page["pageInfo"]["hasNextPage"]:
                return {"nodes": nodes}
            after = page["pageInfo"]["endCursor"]


def vendor_words_in(told: str) -> list[str]:
    """Return the words and codes of the provider that stand in ``told``."""
    words = [word for word in VENDOR_WORDS if word.lower() in told.lower()]
    return words + [code for code in VENDOR_CODES if code in told]
