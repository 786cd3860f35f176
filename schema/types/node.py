"""The interface of everything that has an id."""

from __future__ import annotations

import strawberry


@strawberry.interface(description="An object that `node` finds by its id.")
class Node:
    id: strawberry.ID
