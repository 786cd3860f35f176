"""The query for an account's API keys."""

from __future__ import annotations

import strawberry

from jobs.api_keys import KEYS_PER_ACCOUNT_MAX, api_keys_of
from schema.context import Info
from schema.fields import field
from schema.types.api_key import ApiKey


@strawberry.type
class ApiKeyQueries:
    @field(
        f"The API keys of your account that work, oldest first, at most {KEYS_PER_ACCOUNT_MAX}; a live key sees "
        "as many test keys, too, after the live ones, and support those of all its members. Requires an API key.",
        rows=2 * KEYS_PER_ACCOUNT_MAX,
    )
    async def api_keys(self, info: Info) -> list[ApiKey]:
        found = await info.context.database.read(api_keys_of, info.context.principal)
        return [ApiKey.of(key) for key in found]
