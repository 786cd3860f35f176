"""Compare the bucket with the rows, key by key, in constant memory.

Both sides are read in key order and merged. A key that only one side has is checked again before it is reported,
because the other side may have changed during the listing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Engine

from db.upkeep.retention import NamedObject, database_time, named_objects, still_named, unnamed
from jobs.upkeep.retention import owners_of
from storage import ObjectInfo, S3Store
from storage.keys import belongs

BATCH_SIZE = 500
_FIRST_FEW = 5


@dataclass(slots=True)
class Tally:
    """A count of keys, with the first few of them."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, keys: Sequence[str]) -> None:
        """Count keys."""
        self.count += len(keys)
        self.first += keys[: _FIRST_FEW - len(self.first)]


@dataclass(slots=True)
class Inventory:
    """The counts: objects, rows that name one, objects without a row, and rows without their object."""

    objects: int = 0
    rows: int = 0
    unnamed: Tally = field(default_factory=Tally)
    missing: Tally = field(default_factory=Tally)

    @property
    def is_sound(self) -> bool:
        """Return True if both sides agree."""
        return not self.unnamed.count and not self.missing.count


def take_inventory(engine: Engine, store: S3Store, *, grace: timedelta) -> Inventory:
    """Compare the bucket with the rows; anything younger than `grace` is work in progress. Uses two connections."""
    inventory = Inventory()
    strays: list[ObjectInfo] = []
    losses: list[str] = []
    with engine.connect() as conn:
        old_before = database_time(conn) - grace
        for found, named in merged(store.list(), named_objects(conn)):
            inventory.objects += found is not None
            inventory.rows += named is not None
            if named is None and found is not None and found.modified_at <= old_before:
                strays.append(found)
            if found is None and named is not None and named.must_be_there and named.since <= old_before:
                losses.append(named.key)
            if max(len(strays), len(losses)) >= BATCH_SIZE:
                _settle(engine, store, inventory, strays, losses, grace)
    _settle(engine, store, inventory, strays, losses, grace)
    return inventory


def merged(
    objects: Iterator[ObjectInfo], rows: Iterator[NamedObject]
) -> Iterator[tuple[ObjectInfo | None, NamedObject | None]]:
    """Pair objects with rows by key; both arrive in key order. One side of a pair may be None."""
    found, named = next(objects, None), next(rows, None)
    while found is not None or named is not None:
        if named is None or (found is not None and found.key < named.key):
            yield found, None
            found = next(objects, None)
        elif found is None or named.key < found.key:
            yield None, named
            named = next(rows, None)
        else:
            yield found, named
            found, named = next(objects, None), next(rows, None)


def _settle(
    engine: Engine, store: S3Store, inventory: Inventory, strays: list[ObjectInfo], losses: list[str], grace: timedelta
) -> None:
    """Check the one-sided keys again, count those still one-sided, and empty both lists."""
    with engine.connect() as conn:
        sure = unnamed(conn, owners_of(strays), grace=grace)
        named = still_named(conn, losses)
    inventory.unnamed.add([each.key for each in strays if belongs(each.key) is None or each.key in sure])
    inventory.missing.add([key for key in losses if key in named and store.head(key) is None])
    strays.clear()
    losses.clear()
