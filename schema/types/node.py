"""The interface of everything that has an id."""

from __future__ import annotations

import strawberry


@strawberry.interface(description="Something with an id by which `node` finds it again.")
class Node:
    id: strawberry.ID
