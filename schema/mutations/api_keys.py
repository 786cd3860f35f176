"""Mutations that create, rotate and revoke API keys."""

from __future__ import annotations

from datetime import timedelta

import strawberry

from jobs.api_keys import create_api_key, end_api_key, rotate_api_key, set_api_key_role
from jobs.errors import Invalid
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.mutations.payloads import Payload
from schema.types.api_key import ApiKey
from schema.types.enums import ApiKeyMode, ApiKeyScope, Role
from statemachine.vocabulary import KeyScope


@strawberry.input(description="What the key is for.")
class CreateApiKeyInput:
    name: str = strawberry.field(description="Says where the key is used, 1 to 100 characters.")
    scopes: list[ApiKeyScope] = strawberry.field(
        description="What it may change, at most what your own key may; an empty list makes a key that only reads."
    )
    role: Role | None = strawberry.field(
        default=None, description="For support, who must give it: `VIEWER`, `AGENT` or `ADMIN`; null for a partner."
    )
    mode: ApiKeyMode = strawberry.field(
        default=ApiKeyMode.LIVE,
        description="`TEST` for a key of your test account, whose jobs go to a stand-in and cost nothing.",
    )


@strawberry.type(description="The key and its secret.")
class CreateApiKeyPayload(Payload):
    api_key: ApiKey | None = strawberry.field(default=None, description="The key, without its secret.")
    secret: str | None = strawberry.field(
        default=None, description="For your servers, as `Authorization: Bearer`. It is returned only once."
    )


@strawberry.input(description="The key to replace.")
class RotateApiKeyInput:
    id: strawberry.ID = strawberry.field(description="The id of the key.")
    overlap_seconds: int = strawberry.field(
        default=86_400, description="How long the old key still works, in seconds: 0 to 2592000 (30 days)."
    )


@strawberry.type(description="The key that replaces the old one, and its secret.")
class RotateApiKeyPayload(Payload):
    api_key: ApiKey | None = strawberry.field(
        default=None, description="The new key, with the name and the scopes of the old one."
    )
    secret: str | None = strawberry.field(
        default=None, description="For your servers, as `Authorization: Bearer`. It is returned only once."
    )


@strawberry.input(description="The key to end.")
class RevokeApiKeyInput:
    id: strawberry.ID = strawberry.field(description="The id of the key.")


@strawberry.type(description="The key as it was.")
class RevokeApiKeyPayload(Payload):
    api_key: ApiKey | None = strawberry.field(default=None, description="The key, which no longer works.")


@strawberry.input(description="The key of support, and its new role.")
class SetApiKeyRoleInput:
    id: strawberry.ID = strawberry.field(description="The id of the key.")
    role: Role = strawberry.field(description="`VIEWER`, `AGENT` or `ADMIN`.")
    reason: str = strawberry.field(description="The reason, at most 500 characters; for support only.")


@strawberry.type(description="The key with its new role.")
class SetApiKeyRolePayload(Payload):
    api_key: ApiKey | None = strawberry.field(default=None, description="The key.")


@strawberry.type
class ApiKeyMutations:
    @mutation("Create an API key for your account. Requires an API key.", CreateApiKeyPayload, scope=KeyScope.KEYS)
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> CreateApiKeyPayload:
        if input.mode is ApiKeyMode.TEST and not info.context.parts.settings.has_test_mode:
            raise Invalid("This service has no test mode: create a live key.", "input", "mode")
        key, secret = await info.context.database.write(
            create_api_key,
            info.context.principal,
            name=input.name,
            scopes=set(input.scopes),
            role=input.role,
            mode=input.mode,
        )
        return CreateApiKeyPayload(api_key=ApiKey.of(key), secret=secret)

    @mutation(
        "Replace an API key by a new one; the old one works for a while, so that your servers can change over.",
        RotateApiKeyPayload,
        scope=KeyScope.KEYS,
    )
    async def rotate_api_key(self, info: Info, input: RotateApiKeyInput) -> RotateApiKeyPayload:
        key, secret = await info.context.database.write(
            rotate_api_key,
            info.context.principal,
            input_id(input.id, IdKind.API_KEY, "id"),
            overlap=timedelta(seconds=input.overlap_seconds),
        )
        return RotateApiKeyPayload(api_key=ApiKey.of(key), secret=secret)

    @mutation(
        "Revoke an API key at once; its open sockets are closed within seconds.",
        RevokeApiKeyPayload,
        scope=KeyScope.KEYS,
    )
    async def revoke_api_key(self, info: Info, input: RevokeApiKeyInput) -> RevokeApiKeyPayload:
        key_id = input_id(input.id, IdKind.API_KEY, "id")
        key = await info.context.database.write(end_api_key, info.context.principal, key_id)
        return RevokeApiKeyPayload(api_key=ApiKey.of(key))

    @mutation(
        "For support: give a key of support another role, from its next request on. Its open sockets are closed within "
        "seconds.",
        SetApiKeyRolePayload,
        scope=KeyScope.KEYS,
    )
    async def set_api_key_role(self, info: Info, input: SetApiKeyRoleInput) -> SetApiKeyRolePayload:
        key_id = input_id(input.id, IdKind.API_KEY, "id")
        key = await info.context.database.write(
            set_api_key_role, info.context.principal, key_id, input.role, input.reason
        )
        return SetApiKeyRolePayload(api_key=ApiKey.of(key))
