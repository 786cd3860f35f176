"""An object that two files share goes with the last of them, whichever way each of them goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text

from db.ids import new_id
from db.records.renditions import renditions_of
from db.tables import assets, renditions
from jobs.deleting.carrying_out import carry_out_deletions
from jobs.deleting.requesting import delete_asset
from jobs.identity import Principal
from jobs.providers.pair import ProviderPair
from jobs.shared_objects import delete_unnamed
from jobs.upkeep.row_purge import OldRows
from tests.retention.account_files import AccountFiles
from tests.support.fakes import FakeProvider

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def twin_of(files: AccountFiles, asset_id: UUID, *, kept_for: timedelta | None) -> UUID:
    """Add a file that shares the object and the renditions of another one."""
    twin_id = new_id()
    with files.engine.begin() as conn:
        row = conn.execute(select(assets).where(assets.c.id == asset_id)).one()._asdict()
        row |= {"id": twin_id, "expires_at": None if kept_for is None else row["created_at"] + kept_for}
        conn.execute(insert(assets).values(**row))
        for each in renditions_of(conn, [asset_id])[asset_id]:
            values = {name: getattr(each, name) for name in each.__slots__} | {"asset_id": twin_id}
            conn.execute(insert(renditions).values(**values))
    return twin_id


def expire(files: AccountFiles, asset_id: UUID) -> None:
    files.pass_time(8 * DAY)
    files.purge()


def delete(files: AccountFiles, asset_id: UUID) -> None:
    with files.engine.begin() as conn:
        delete_asset(conn, Principal(files.world.owner.account_id, "partner", "test"), asset_id)
    assert carry_out_deletions(files.engine, files.store, ProviderPair(FakeProvider())) == 1


def lose_the_row(files: AccountFiles, asset_id: UUID) -> None:
    """Purge the row as well, long after the file."""
    expire(files, asset_id)
    assert OldRows(files.engine, files.store, HOUR).purge().files > 0


def lose_and_scan(files: AccountFiles, asset_id: UUID) -> None:
    """Read the whole bucket once the file is gone."""
    expire(files, asset_id)
    files.purge_left()


WAYS = [expire, delete, lose_the_row, lose_and_scan]


@pytest.mark.parametrize("goes", WAYS)
@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("other", ["ready", "missing"])
def test_a_shared_object_stays_with_the_other_file(
    files: AccountFiles, goes: Callable[[AccountFiles, UUID], None], is_first: bool, other: str
) -> None:
    """A file may be missing because a worker read another bucket: it is found again."""
    kept = None if goes is delete else 7 * DAY
    first = files.selfie(kept_for=kept if is_first else None)
    twin = twin_of(files, first, kept_for=None if is_first else kept)
    going, staying = (first, twin) if is_first else (twin, first)
    objects = files.objects()
    if other == "missing":
        with files.engine.begin() as conn:
            conn.execute(text("UPDATE assets SET state = 'missing' WHERE id = :id"), {"id": staying})
    goes(files, going)
    assert files.objects() == objects
    files.purge_left()
    assert (files.asset_state(staying), files.objects()) == ("ready", objects)
    assert files.inventory().is_sound
    delete(files, staying)
    assert files.objects() == []


def test_files_that_expire_together_take_their_object_along(files: AccountFiles) -> None:
    twin_of(files, files.selfie(kept_for=DAY), kept_for=DAY)
    files.pass_time(2 * DAY)
    assert files.purge().files == 2
    assert files.objects() == []


def test_two_purges_at_once_do_not_leave_a_shared_object_to_each_other(
    files: AccountFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.upkeep.retention._LOCKED_AT_ONCE", 1)
    twin_of(files, files.selfie(kept_for=DAY), kept_for=DAY)
    files.pass_time(2 * DAY)
    delete_objects = files.store.delete

    def purge_meanwhile(keys: Iterable[str]) -> int:
        monkeypatch.undo()
        assert files.purge().files == 0, "the other one has locked both"
        return delete_objects(keys)

    monkeypatch.setattr(files.store, "delete", purge_meanwhile)
    assert files.purge().files == 2
    assert files.objects() == []


def test_a_file_that_is_being_shared_is_left_to_the_next_purge(files: AccountFiles) -> None:
    selfie = files.selfie(kept_for=DAY)
    files.pass_time(2 * DAY)
    with files.engine.connect() as sharing:
        sharing.execute(text("SELECT FROM assets WHERE id = :id FOR SHARE"), {"id": selfie})
        assert files.purge().files == 0
    assert files.inventory().is_sound
    assert files.purge().files == 1


def test_only_objects_that_no_file_names_are_deleted(files: AccountFiles) -> None:
    files.selfie(kept_for=None)
    named, unnamed = files.objects(), files.put("assets/unnamed")
    assert delete_unnamed(files.engine, files.store, files.objects()) == 1
    assert files.objects() == named != [unnamed]
