"""The rule for objects that several files share: an object goes only when no file that stays has it.

Two uploads of one picture share an object and its renditions. Whatever deletes objects asks here first, so that the
last of these files takes the object along, and no other one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Connection

from db.statements import statement
from db.upkeep.retention import OldFile


def named_by_files(conn: Connection, keys: Collection[str], going: Collection[UUID] = ()) -> set[str]:
    """Return those of the keys that ready or missing files name, apart from the files that are `going`."""
    return set(conn.scalars(statement("named_by_files"), {"keys": list(keys), "going": list(going)}))


def lock_purgeable(conn: Connection, files: Sequence[OldFile]) -> tuple[list[OldFile], list[str]]:
    """Return those of the expired files that may be purged now, and the keys of the objects to delete before that.

    Locks them and all files that share their objects until the transaction ends; where another transaction has locked
    one of these, the file is left out. So two purges never leave an object to each other.
    """
    keys = [each.key for each in files]
    locked = set(conn.scalars(statement("lock_files"), {"keys": keys}))
    having: dict[str, set[UUID]] = defaultdict(set)
    for row in conn.execute(statement("files_with"), {"keys": keys}):
        having[row.object_key].add(row.id)
    going = [each for each in files if having[each.key] <= locked]
    candidates = [key for each in going for key in (each.key, *each.renditions)]
    named = named_by_files(conn, candidates, [each.asset_id for each in going])
    return going, [key for key in candidates if key not in named]
