"""The commands for storage: `diorama doctor --storage` compares, `diorama purge` removes what has expired."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from diorama.doctor.findings import Finding
from diorama.preflight import check_database
from diorama.settings import Settings, SettingsError, read_settings
from diorama.wiring import build_engine, build_retention, build_store
from jobs.upkeep.inventory import Tally, take_inventory
from jobs.upkeep.retention import Leftovers, Purged, purge_expired
from jobs.upkeep.row_purge import OldRows, PurgedRows
from storage import StorageError


def examine_storage() -> Iterator[Finding]:
    """Compare every object in the bucket with the rows."""
    try:
        settings = read_settings("database", "store")
        check_database(settings)
    except SettingsError as error:
        yield Finding("settings", False, str(error).replace("\n", "; "))
        return
    engine = build_engine(settings, "doctor", pool_size=2)
    try:
        found = take_inventory(engine, build_store(settings), grace=build_retention(settings).grace)
    except StorageError as error:
        yield Finding("store", False, str(error))
        return
    except SQLAlchemyError as error:
        yield Finding("database", False, f"cannot be read: {type(getattr(error, 'orig', error)).__name__}")
        return
    finally:
        engine.dispose()
    yield Finding("storage", True, f"{found.objects} objects, {found.rows} rows that refer to one")
    yield _counted("objects without a row", found.unnamed)
    yield _counted("rows without their object", found.missing)


def _counted(what: str, tally: Tally) -> Finding:
    if not tally.count:
        return Finding(what, True, "none")
    more = ", ..." if tally.count > len(tally.first) else ""
    return Finding(what, False, f"{tally.count}: {', '.join(tally.first)}{more}")


def purge_all(settings: Settings) -> tuple[Purged, int, PurgedRows]:
    """Purge everything past its retention; return the files and history, the number of leftovers, and the rows."""
    engine = build_engine(settings, "purge", pool_size=2)
    store, policy = build_store(settings), build_retention(settings)
    try:
        purged = purge_expired(engine, store, policy, batches=_WITHOUT_END)
        left = Leftovers(engine, store, policy.grace).purge(batches=_WITHOUT_END)
        return purged, left, OldRows(engine, store, policy.rows).purge(batches=_WITHOUT_END)
    finally:
        engine.dispose()


_WITHOUT_END = 1_000_000_000
