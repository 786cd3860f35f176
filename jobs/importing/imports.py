"""Importing a selfie: its row first, then the fetch, then the same check and cleaning as of an upload."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import structlog
from sqlalchemy import Connection, Engine

from db.public_ids import IdKind, encode_id
from db.records.assets import Asset, asset_by_id, insert_pending
from db.records.requests import IdempotencyKey
from db.scope import EVERYTHING
from jobs.errors import Invalid, NotFound, UnsupportedMedia
from jobs.full_disk import full_disk_raised
from jobs.identity import Principal, on_behalf_of
from jobs.importing.fetching import FileTooLarge, NotFetched, PictureFetcher
from jobs.requesting.idempotency import once
from jobs.requesting.uploads import TOO_MANY_BYTES, UPLOAD_BYTES_MAX, clean_file, reject
from jobs.usage_limits import check_uploads
from storage import S3Store
from storage.keys import upload_key

log = structlog.get_logger(__name__)

_WRONG_URL = (
    "url must be a public http or https address on port 80 or 443, of at most 2048 characters and without a login."
)
# The same for a refused address and for one that does not respond: the difference would describe our network.
_NOT_FETCHED = (
    "The picture could not be fetched. Its address must be public, and respond within {seconds:.0f} seconds with the "
    "status 200 after at most {redirects} redirects. Try again, or upload the file with createUpload."
)


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Everything that a caller gives, except the idempotency key."""

    url: str
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """The asset of an import, and whether an earlier request with the same key made it."""

    asset: Asset
    replayed: bool


def begin_import(
    conn: Connection,
    fetcher: PictureFetcher,
    caller: Principal,
    request: ImportRequest,
    *,
    idempotency_key: str,
    kept_for: timedelta | None,
) -> Imported:
    """Add a pending selfie, or return the one that the same key made.

    Raises Invalid, IdempotencyKeyReused, NotFound, LimitExceeded, and what `on_behalf_of` does. The URL is not kept,
    only its digest: it may contain a signature.
    """
    if fetcher.allowed(request.url) is None:
        raise Invalid(_WRONG_URL, "input", "url")
    caller = on_behalf_of(conn, caller, request.on_behalf_of)
    key = IdempotencyKey(caller.account_id, caller.user_ref, "importAsset", idempotency_key)
    made = once(conn, key, request, lambda asset_id: _insert(conn, caller, asset_id, kept_for))
    asset = asset_by_id(conn, EVERYTHING, made.resource_id)
    if asset is None:
        raise NotFound("The picture of this idempotencyKey no longer exists; use a new key.", "input", "idempotencyKey")
    if asset.state == "rejected":
        raise UnsupportedMedia(asset.rejection or "The picture was rejected.", "input", "url")
    return Imported(asset, made.replayed)


def _insert(conn: Connection, caller: Principal, asset_id: UUID, kept_for: timedelta | None) -> None:
    insert_pending(
        conn,
        asset_id=asset_id,
        account_id=caller.account_id,
        session_id=caller.filed_under.id if caller.filed_under else None,
        object_key=upload_key(caller.account_id, asset_id),
        content_type="image/jpeg",
        kept_for=kept_for,
    )
    check_uploads(conn, caller.wallet, caller.tier)


class ImportFolder:
    """A folder for one import, which is removed with the picture that was fetched into it."""

    def __init__(self, engine: Engine, store: S3Store, asset: Asset) -> None:
        self._engine = engine
        self._store = store
        self._asset = asset
        with full_disk_raised(asset.id):
            self._folder = TemporaryDirectory(prefix="diorama-import-")
        self._raw = Path(self._folder.name) / "raw"

    def __enter__(self) -> ImportFolder:
        """Return the folder."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the folder."""
        self._folder.cleanup()

    def fetch(self, fetcher: PictureFetcher, url: str) -> None:
        """Fetch the picture; blocks.

        Raises Invalid or DiskFull, after which the same key may be used again, and UnsupportedMedia for a file that is
        too large.
        """
        try:
            with full_disk_raised(self._asset.id):
                fetcher.fetch(url, self._raw, most_bytes=UPLOAD_BYTES_MAX)
        except FileTooLarge:
            with _about_the_url():
                reject(self._engine, self._store, self._asset, TOO_MANY_BYTES)
        except NotFetched as error:
            log.info("a picture was not fetched", asset_id=encode_id(IdKind.ASSET, self._asset.id), reason=str(error))
            limits = fetcher.limits
            message = _NOT_FETCHED.format(seconds=limits.total_s, redirects=limits.redirects_max)
            raise Invalid(message, "input", "url") from None

    def clean(self) -> Asset:
        """Check and clean the picture like an upload, and return the asset, ready; blocks.

        Raises UnsupportedMedia, or DiskFull, after which the same key may be used again.
        """
        with _about_the_url(), full_disk_raised(self._asset.id):
            return clean_file(self._engine, self._store, self._asset, self._raw)


@contextmanager
def _about_the_url() -> Iterator[None]:
    """Let the refusal of a picture name the URL: this caller knows of no upload."""
    try:
        yield
    except UnsupportedMedia as error:
        raise UnsupportedMedia(error.message, "input", "url") from None
