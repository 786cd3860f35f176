"""The interface of everything that has an id."""

from __future__ import annotations

import strawberry


@strawberry.interface(description="An object that `node` finds by its id.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="Opaque and stable: the kind, an underscore and 26 characters, such as `job_…`; pass it on as "
        "you got it."
    )
