"""API keys as their account sees them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db.records.api_keys import ApiKey as Record
from schema.fields import ROWS
from schema.ids import IdKind, encode_id
from schema.types.enums import ApiKeyMode, ApiKeyScope, Role


@strawberry.type(description="A key of your account, or of support, that works. Its secret cannot be read again.")
class ApiKey:
    id: strawberry.ID = strawberry.field(description="For `rotateApiKey` and `revokeApiKey`.")
    name: str = strawberry.field(description="The name it was given; for support staff it also stands in the history.")
    fingerprint: str = strawberry.field(
        description="The beginning of the SHA-256 of the secret, 12 hexadecimal digits."
    )
    role: Role = strawberry.field(description="What it may do: `PARTNER`, or one of the roles of support.")
    scopes: list[ApiKeyScope] = strawberry.field(description="What it may change.", metadata={ROWS: len(ApiKeyScope)})
    mode: ApiKeyMode = strawberry.field(description="Whether its jobs go to the models or to a stand-in.")
    created_at: datetime = strawberry.field(description="When it was created.")
    last_used_at: datetime | None = strawberry.field(
        description="When it was last used, to the minute; null if it never was."
    )
    expires_at: datetime | None = strawberry.field(
        description="Until when it works, for a key that was rotated; null if it has no end."
    )

    @classmethod
    def of(cls, record: Record) -> ApiKey:
        """Return the key of a record."""
        return cls(
            id=strawberry.ID(encode_id(IdKind.API_KEY, record.id)),
            name=record.name,
            fingerprint=record.fingerprint,
            role=Role(record.role),
            scopes=sorted(record.scopes),
            mode=ApiKeyMode.TEST if record.is_test else ApiKeyMode.LIVE,
            created_at=record.created_at,
            last_used_at=record.used_at,
            expires_at=record.expires_at,
        )
