"""Descriptions of the arguments that several fields take."""

from __future__ import annotations

import strawberry

ID = strawberry.argument(description="The id, as you got it. Support may also give the bare UUID.")
FILTER = strawberry.argument(description="The conditions that the items must meet; null for all of them.")
