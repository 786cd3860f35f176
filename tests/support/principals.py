"""The principals of tests: support, and the partner of an account."""

from __future__ import annotations

from uuid import uuid4

from jobs.identity import Principal
from tests.support.factories import World

SUPPORT = Principal(uuid4(), "admin", "mo")


def support_of(world: World) -> Principal:
    """Return support with a key of a world's account: idempotency keys belong to an account that exists."""
    return Principal(world.owner.account_id, "admin", "mo")


def partner_of(world: World) -> Principal:
    """Return the partner of a world's account."""
    return Principal(world.owner.account_id, "partner", "acme")
