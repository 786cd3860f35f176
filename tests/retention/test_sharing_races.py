"""Uploads that begin to share an object while transactions that really run at once delete the file that has it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from db.ids import new_id
from db.records.assets import asset_by_id
from db.records.twins import lock_picture
from db.scope import EVERYTHING
from jobs.deleting.carrying_out import carry_out_deletions
from jobs.deleting.requesting import delete_asset, delete_user
from jobs.identity import Principal
from jobs.providers.pair import ProviderPair
from jobs.requesting.sharing import share_twin
from storage import S3Store
from tests.retention.account_files import AccountFiles
from tests.support.eventually import eventually, scaled
from tests.support.fakes import FakeProvider

DAY = timedelta(days=1)
ROUNDS = 12


def add_session(files: AccountFiles, user_ref: str, *asset_ids: UUID) -> UUID:
    """Add a session of a user, and give it the files."""
    session_id = new_id()
    with files.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO sessions (id, account_id, user_ref, tier, token_sha256, expires_at) "
                "VALUES (:id, :account, :user, 'paid', uuid_send(:id), 'infinity')"
            ),
            {"id": session_id, "account": files.world.owner.account_id, "user": user_ref},
        )
        given = {"session": session_id, "ids": list(asset_ids)}
        conn.execute(text("UPDATE assets SET session_id = :session WHERE id = ANY (:ids)"), given)
    return session_id


def share(files: AccountFiles, asset_id: UUID, meanwhile: Callable[[], object] = lambda: None) -> bool:
    """Complete an upload with the object of its twin, if it has one; `meanwhile` is called while that is locked."""
    with files.engine.begin() as conn:
        asset = asset_by_id(conn, EVERYTHING, asset_id)
        assert asset is not None
        store = FrozenHead(files.store, meanwhile)
        return share_twin(conn, cast("S3Store", store), asset, "00") is not None


class FrozenHead:
    """A store whose reader is overtaken."""

    def __init__(self, store: S3Store, meanwhile: Callable[[], object]) -> None:
        self._store, self._meanwhile = store, meanwhile

    def head(self, key: str) -> object:
        self._meanwhile()
        return self._store.head(key)


def request_deletion(files: AccountFiles, *asset_ids: UUID) -> None:
    for asset_id in asset_ids:
        with files.engine.begin() as conn:
            delete_asset(conn, partner(files), asset_id)


def partner(files: AccountFiles) -> Principal:
    return Principal(files.world.owner.account_id, "partner", "test")


def carry_out(files: AccountFiles) -> int:
    return carry_out_deletions(files.engine, files.store, ProviderPair(FakeProvider()))


def waits(files: AccountFiles) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return bool(files.scalar(query))


def overtaking(
    files: AccountFiles, threads: ThreadPoolExecutor, work: Callable[[], None]
) -> tuple[list[Future[None]], Callable[[], None]]:
    """Return what begins the work in another thread and returns when that waits for a lock."""
    begun: list[Future[None]] = []

    def begin() -> None:
        begun.append(threads.submit(work))
        eventually(lambda: begun[0].done() or waits(files))

    return begun, begin


def pair(files: AccountFiles, *, upload_is_older: bool) -> tuple[UUID, UUID]:
    """Return a ready selfie, and an upload that will be found to be the same picture."""
    if upload_is_older:
        upload = files.upload()
        return files.selfie(kept_for=None), upload
    return files.selfie(kept_for=None), files.upload()


def shared_objects(files: AccountFiles) -> list[str]:
    return [key for key in files.objects() if key.startswith("assets/")]


@pytest.mark.parametrize("upload_is_older", [True, False])
def test_a_deletion_waits_for_the_upload_that_begins_to_share(files: AccountFiles, upload_is_older: bool) -> None:
    """Its proof counts no object: what another file has as well is not deleted, until that file goes."""
    first, second = pair(files, upload_is_older=upload_is_older)
    objects = shared_objects(files)
    with ThreadPoolExecutor() as threads:
        begun, begin = overtaking(files, threads, lambda: delete_at_once(files, first))
        assert share(files, second, begin)
        begun[0].result(scaled(20))
    assert (files.asset_state(first), files.asset_state(second)) == ("deleted", "ready")
    assert shared_objects(files) == objects
    assert files.scalars("SELECT objects FROM deletions WHERE completed_at IS NOT NULL") == [0]
    request_deletion(files, second)
    assert carry_out(files) == 1
    assert shared_objects(files) == []
    deleted = files.scalars("SELECT objects FROM deletions WHERE completed_at IS NOT NULL ORDER BY id")
    assert deleted == [0, len(objects) + 1], "the shared object, its rendition, and what had been posted"


@pytest.mark.parametrize("upload_is_older", [True, False])
def test_the_deletion_of_a_user_takes_what_was_shared_meanwhile(files: AccountFiles, upload_is_older: bool) -> None:
    """Whichever file it locks first, it waits for the upload, and the upload for nothing."""
    first, second = pair(files, upload_is_older=upload_is_older)
    add_session(files, "ada", first, second)

    def delete() -> None:
        with files.engine.begin() as conn:
            delete_user(conn, partner(files), "ada")
        carry_out(files)

    with ThreadPoolExecutor() as threads:
        begun, begin = overtaking(files, threads, delete)
        assert share(files, second, begin)
        begun[0].result(scaled(20))
    assert {files.asset_state(each) for each in (first, second)} == {"deleted"}
    assert files.objects() == []


def test_a_purge_leaves_a_file_whose_object_is_being_shared(files: AccountFiles) -> None:
    first, second = files.selfie(kept_for=DAY), files.upload()
    objects = shared_objects(files)

    def purge() -> None:
        files.pass_time(2 * DAY)
        assert files.purge().files == 0

    assert share(files, second, purge)
    assert files.purge().files == 1
    assert (files.asset_state(first), shared_objects(files)) == ("deleted", objects)
    files.pass_time(40 * DAY)
    files.purge()
    assert shared_objects(files) == []


def test_a_purge_waits_for_no_upload_that_is_being_completed(files: AccountFiles) -> None:
    """A purge that waited with its expired files locked could deadlock with a deletion of both."""
    files.selfie(kept_for=DAY)
    files.upload()
    pending = files.scalars("SELECT id FROM assets WHERE state = 'pending'")
    files.pass_time(2 * DAY)
    with files.engine.connect() as completing, ThreadPoolExecutor() as threads:
        completing.execute(text("SELECT FROM assets WHERE id = ANY (:ids) FOR NO KEY UPDATE"), {"ids": pending})
        assert threads.submit(files.purge).result(scaled(20)).files == 1
    assert files.purge().files == 1
    assert files.objects() == []


def shared_pair(files: AccountFiles) -> tuple[UUID, UUID]:
    first, second = pair(files, upload_is_older=False)
    assert share(files, second)
    return first, second


def test_deletions_of_both_sharers_at_once_leave_nothing(files: AccountFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    request_deletion(files, *shared_pair(files))
    both, delete = threading.Barrier(2), files.store.delete

    def together(keys: Any) -> int:
        monkeypatch.undo()
        both.wait(scaled(20))
        return delete(keys)

    with ThreadPoolExecutor() as threads:
        monkeypatch.setattr(files.store, "delete", together)
        other = threads.submit(lambda: (both.wait(scaled(20)), carry_out(files)))
        carry_out(files)
        other.result(scaled(20))
    assert files.objects() == []
    assert files.scalar("SELECT count(*) FROM deletions WHERE completed_at IS NULL") == 0


def test_a_deletion_that_is_not_committed_yet_takes_the_object_along(files: AccountFiles) -> None:
    """The one that is carried out first still sees the other file, and leaves the object to that one's deletion."""
    first, second = shared_pair(files)
    request_deletion(files, first)
    objects = shared_objects(files)
    with files.engine.connect() as deleting:
        delete_asset(deleting, partner(files), second)
        assert carry_out(files) == 1
        assert shared_objects(files) == objects
        deleting.commit()
    assert carry_out(files) == 1
    assert files.objects() == []


def test_a_shared_object_is_there_as_long_as_a_file_names_it(files: AccountFiles) -> None:
    """Sharing, deletions and purges of the same object at once, again and again."""
    for number in range(ROUNDS):
        first, second = shared_pair(files)
        third = files.upload()
        all_at_once(
            partial(share, files, third),
            partial(delete_at_once, files, first),
            partial(delete_at_once, files, second),
            files.purge_left,
        )
        assert files.inventory().is_sound, number
        if files.asset_state(third) == "ready":
            assert len(shared_objects(files)) == 2, number
        delete_at_once(files, third)
        assert files.objects() == [], number


def delete_at_once(files: AccountFiles, asset_id: UUID) -> None:
    request_deletion(files, asset_id)
    carry_out(files)


def all_at_once(*work: Callable[[], object]) -> None:
    together = threading.Barrier(len(work))
    with ThreadPoolExecutor(len(work)) as threads:
        begun = [threads.submit(at_once, together, each) for each in work]
    for each in begun:
        each.result()


def at_once(together: threading.Barrier, work: Callable[[], object]) -> None:
    together.wait(scaled(20))
    work()


def test_a_user_does_not_wait_for_another_ones_same_picture(files: AccountFiles) -> None:
    """A wait would show that somebody else completes this very picture at the moment."""

    def upload_of(user_ref: str) -> Any:
        upload = files.upload()
        add_session(files, user_ref, upload)
        with files.engine.connect() as conn:
            return asset_by_id(conn, EVERYTHING, upload)

    def lock(conn: Connection, asset: Any) -> None:
        conn.execute(text("SET LOCAL lock_timeout = '50ms'"))
        lock_picture(conn, asset, "00")

    with files.engine.connect() as one, files.engine.connect() as other:
        lock(one, upload_of("ada"))
        for stranger in (upload_of("bob"), replace(upload_of("eve"), session_id=None)):
            lock(other, stranger)
        with pytest.raises(Exception, match="lock timeout"):
            lock(other, upload_of("ada"))
