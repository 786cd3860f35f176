"""The files of an account in a database and an object store, for the tests of what is purged and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, func, insert, select, text

from db.engine.row_changes import write_row_changes
from db.ids import new_id
from db.records.assets import insert_pending
from db.records.renditions import Rendition
from db.tables import assets
from jobs.upkeep.inventory import Inventory, take_inventory
from jobs.upkeep.retention import Leftovers, Purged, RetentionPolicy, purge_expired
from statemachine.vocabulary import State
from storage import S3Store
from storage.keys import asset_key, rendition_key, upload_key
from tests.support.clock import move_clock
from tests.support.factories import World, make_job
from tests.support.job_reads import JobReads


@dataclass
class AccountFiles(JobReads):
    """The files of one account, each a row with its object, and the means to let time pass and to purge."""

    engine: Engine
    store: S3Store
    world: World

    def put(self, key: str) -> str:
        """Write an object."""
        self.store.put_stream(key, [b"x"], content_type="image/png", max_bytes=1)
        return key

    def objects(self) -> list[str]:
        """Return the keys of all objects."""
        return [each.key for each in self.store.list()]

    def selfie(self, *, kept_for: timedelta | None) -> UUID:
        """Add a selfie with its object."""
        asset_id, account_id = new_id(), self.world.owner.account_id
        with self.engine.begin() as conn:
            conn.execute(
                insert(assets).values(
                    id=asset_id,
                    account_id=account_id,
                    kind="selfie",
                    state="ready",
                    object_key=self.put(asset_key(account_id, asset_id, "00", "jpg")),
                    content_type="image/jpeg",
                    size_bytes=1,
                    sha256="00",
                    expires_at=None if kept_for is None else func.diorama_now() + kept_for,
                )
            )
            self._add_renditions(conn, asset_id)
        return asset_id

    def _add_renditions(self, conn: Connection, *asset_ids: UUID) -> None:
        """Add a rendition of each file, with its object."""
        for row in conn.execute(select(assets.c.id, assets.c.object_key).where(assets.c.id.in_(asset_ids))).all():
            key = self.put(rendition_key(row.object_key, 320, "webp"))
            write_row_changes(conn, [Rendition(row.id, 320, 320, key, "image/webp", 1, "00")])

    def upload(self) -> UUID:
        """Add an upload that was posted and never completed."""
        asset_id, account_id = new_id(), self.world.owner.account_id
        with self.engine.begin() as conn:
            insert_pending(
                conn,
                asset_id=asset_id,
                account_id=account_id,
                session_id=None,
                object_key=self.put(upload_key(account_id, asset_id)),
                content_type="image/jpeg",
                kept_for=timedelta(days=30),
            )
        return asset_id

    def job(self, state: State = State.SUCCEEDED, *, kept_for: timedelta | None = None, **request: Any) -> UUID:
        """Add a job, and an object for each key that its rows name; its output expires after `kept_for`."""
        with self.engine.begin() as conn:
            job_id = make_job(conn, self.world, state, **request)
            given = {"job": f"jobs/{job_id}/%", "kept_for": kept_for}
            conn.execute(
                text("UPDATE assets SET expires_at = diorama_now() + :kept_for WHERE object_key LIKE :job"), given
            )
            named = conn.scalars(
                text(
                    "SELECT object_key FROM assets WHERE object_key LIKE :job UNION "
                    "SELECT source_key FROM attempts WHERE source_key LIKE :job"
                ),
                given,
            )
            for key in named.all():
                self.put(key)
            made = conn.scalars(text("SELECT id FROM assets WHERE object_key LIKE :job"), given)
            self._add_renditions(conn, *made.all())
        return job_id

    def asset_state(self, asset_id: UUID) -> str:
        """Return the state of an asset."""
        return str(self.scalar("SELECT state FROM assets WHERE id = :id", id=asset_id))

    def pass_time(self, by: timedelta) -> None:
        """Set the database's clock ahead by this much."""
        move_clock(self.engine, by)

    def purge(self, **policy: Any) -> Purged:
        """Make one pass of the purge."""
        return purge_expired(self.engine, self.store, RetentionPolicy(**policy))

    def purge_left(self, grace: timedelta = timedelta(hours=1)) -> int:
        """Purge the leftovers in the whole bucket."""
        return Leftovers(self.engine, self.store, grace).purge()

    def inventory(self, grace: timedelta = timedelta(hours=1)) -> Inventory:
        """Compare the bucket with the rows."""
        return take_inventory(self.engine, self.store, grace=grace)
