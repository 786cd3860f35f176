"""Uploads: a selfie goes straight to the object store, and is checked and cleaned before its first use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import structlog
from sqlalchemy import Connection, Engine

from db.engine.row_changes import write_row_changes
from db.ids import new_id
from db.public_ids import IdKind, encode_id
from db.records.assets import Asset, asset_by_id, insert_pending, mark_interrupted, mark_ready, mark_rejected
from db.records.renditions import Rendition
from db.records.twins import lock_picture
from db.scope import EVERYTHING, Scope
from jobs.errors import Invalid, NotFound, UnsupportedMedia
from jobs.full_disk import full_disk_raised
from jobs.identity import Principal, on_behalf_of
from jobs.media import SELFIE_LIMITS, ImageFacts, MediaError, MediaInterrupted, clean_selfie, make_renditions
from jobs.redaction import redacted
from jobs.renditions import store_renditions
from jobs.requesting.sharing import share_twin
from jobs.shared_objects import delete_unnamed
from jobs.usage_limits import check_uploads
from storage import ObjectMissing, ObjectTooLarge, PresignedPost, S3Store
from storage.keys import asset_key, upload_key

log = structlog.get_logger(__name__)

UPLOAD_TYPES = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/heif", "image/avif")
UPLOAD_BYTES_MAX = SELFIE_LIMITS.max_bytes
INTERRUPTIONS_MAX = 2
INTERRUPTED_AGAIN = (
    "The picture could not be checked, twice. Save it again as a JPEG and upload that, or another picture."
)
TOO_MANY_BYTES = f"The file is larger than {UPLOAD_BYTES_MAX // 2**20} MiB. Save it again with a lower quality or size."
_UPLOAD_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Upload:
    """A pending asset, and the form with which its bytes are posted straight to the object store."""

    asset: Asset
    form: PresignedPost
    expires_at: datetime


def create_upload(
    conn: Connection,
    store: S3Store,
    caller: Principal,
    *,
    content_type: str,
    kept_for: timedelta | None,
    user_ref: str | None = None,
) -> Upload:
    """Add a pending selfie that is kept for `kept_for`, with its upload form; it is the user's whom a key may name.

    Raises Invalid for an unknown type, LimitExceeded, and what `on_behalf_of` does.
    """
    if content_type not in UPLOAD_TYPES:
        raise Invalid(f"contentType must be one of {', '.join(UPLOAD_TYPES)}.", "input", "contentType")
    caller = on_behalf_of(conn, caller, user_ref)
    now = datetime.now(UTC)
    asset_id = new_id()
    asset = insert_pending(
        conn,
        asset_id=asset_id,
        account_id=caller.account_id,
        session_id=caller.filed_under.id if caller.filed_under else None,
        object_key=upload_key(caller.account_id, asset_id),
        content_type=content_type,
        kept_for=kept_for,
    )
    check_uploads(conn, caller.wallet, caller.tier)
    form = store.presigned_post(
        asset.object_key,
        content_type=content_type,
        max_bytes=UPLOAD_BYTES_MAX,
        expires_s=int(_UPLOAD_FOR.total_seconds()),
    )
    return Upload(asset, form, now + _UPLOAD_FOR)


def complete_upload(engine: Engine, store: S3Store, caller: Principal, asset_id: UUID) -> Asset:
    """Check and clean what was uploaded, and return the asset, ready for use. Calling it again returns it as it is.

    Blocks for the time of a download and a decode. Raises NotFound, Invalid when nothing was uploaded yet, and
    UnsupportedMedia for a file that is no picture we can use; that asset stays rejected. Raises MediaInterrupted where
    nothing came of the check: the asset stays pending the first time, and is rejected the second. Raises DiskFull where
    there is no room for the file: the asset stays pending.
    """
    asset = _as_it_is(engine, caller.scope, asset_id)
    return _clean(engine, store, asset) if asset.state == "pending" else asset


def _clean(engine: Engine, store: S3Store, asset: Asset) -> Asset:
    with full_disk_raised(asset.id), TemporaryDirectory(prefix="diorama-upload-") as folder:
        raw = Path(folder) / "raw"
        try:
            store.download(asset.object_key, raw, max_bytes=UPLOAD_BYTES_MAX)
        except ObjectMissing:
            return _completed_meanwhile(engine, asset)
        except ObjectTooLarge:
            return reject(engine, store, asset, TOO_MANY_BYTES)
        return clean_file(engine, store, asset, raw)


def clean_file(engine: Engine, store: S3Store, asset: Asset, raw: Path) -> Asset:
    """Check and clean a local file of a pending asset, store it and return the asset, ready for use.

    Raises like `complete_upload`. Writes to the folder of the file.
    """
    cleaned = raw.with_name("cleaned.jpg")
    try:
        facts = clean_selfie(raw, cleaned)
        if (shared := _shared(engine, store, asset, facts)) is not None:
            return shared
        smaller = make_renditions(cleaned, raw.with_name("renditions"), is_generated=False)
    except MediaError as error:
        log.info(
            "an upload was rejected", asset_id=encode_id(IdKind.ASSET, asset.id), reason=redacted(error.for_support)
        )
        return reject(engine, store, asset, error.reason)
    except MediaInterrupted as error:
        return _interrupted(engine, store, asset, error)
    key = asset_key(asset.account_id, asset.id, facts.sha256, "jpg")
    store.put_file(key, cleaned, content_type=facts.content_type)
    renditions = store_renditions(store, smaller, asset.id, key)
    return _accept(engine, store, asset, key, facts, renditions)


def _shared(engine: Engine, store: S3Store, asset: Asset, facts: ImageFacts) -> Asset | None:
    """Return the asset, ready with the object of the same picture, or None if its own must be stored."""
    with engine.begin() as conn:
        shared = share_twin(conn, store, asset, facts.sha256)
    if shared is not None:
        _delete_original(store, asset)
    return shared


def _accept(
    engine: Engine,
    store: S3Store,
    asset: Asset,
    key: str,
    facts: ImageFacts,
    renditions: tuple[Rendition, ...],
) -> Asset:
    """Record what was stored; delete it if the same picture, or the same upload, was completed meanwhile."""
    with engine.begin() as conn:
        lock_picture(conn, asset, facts.sha256)
        ready = share_twin(conn, store, asset, facts.sha256)
        if ready is None:
            ready = _mark_ready(conn, asset, key, facts, renditions)
    _delete_original(store, asset)
    if ready is None or ready.object_key != key:
        # Another request may have completed this very upload with the same bytes, and others may share its object.
        delete_unnamed(engine, store, [key, *(each.object_key for each in renditions)])
    return ready or _completed_meanwhile(engine, asset)


def _mark_ready(
    conn: Connection, asset: Asset, key: str, facts: ImageFacts, renditions: tuple[Rendition, ...]
) -> Asset | None:
    ready = mark_ready(
        conn,
        asset.id,
        object_key=key,
        content_type=facts.content_type,
        width_px=facts.width_px,
        height_px=facts.height_px,
        size_bytes=facts.size_bytes,
        sha256=facts.sha256,
    )
    if ready is not None:
        write_row_changes(conn, renditions)
    return ready


def _delete_original(store: S3Store, asset: Asset) -> None:
    """Delete what was posted: it may contain a place and a time (EXIF), and nothing needs it any more."""
    store.delete([asset.object_key])


def _interrupted(engine: Engine, store: S3Store, asset: Asset, error: MediaInterrupted) -> Asset:
    """Raise `error` the first time; then reject the upload: a file that crashes its decoder does so every time."""
    with engine.begin() as conn:
        counted = mark_interrupted(conn, asset.id)
    log.warning("a check was interrupted", asset_id=encode_id(IdKind.ASSET, asset.id), reason=redacted(str(error)))
    if counted is not None and counted.interruptions < INTERRUPTIONS_MAX:
        raise error
    return reject(engine, store, asset, INTERRUPTED_AGAIN)


def reject(engine: Engine, store: S3Store, asset: Asset, reason: str) -> Asset:
    """Reject a pending asset for good; raise UnsupportedMedia, or return what another request completed meanwhile."""
    with engine.begin() as conn:
        rejected = mark_rejected(conn, asset.id, reason)
    _delete_original(store, asset)
    if rejected is None:
        return _completed_meanwhile(engine, asset)
    raise UnsupportedMedia(reason, "input", "assetId")


def _completed_meanwhile(engine: Engine, asset: Asset) -> Asset:
    """Return the asset that another request completed from the same upload. Raises Invalid if none did."""
    found = _as_it_is(engine, EVERYTHING, asset.id)
    if found.state == "pending":
        raise Invalid("Nothing has been uploaded yet: upload the file first.", "input", "assetId")
    return found


def _as_it_is(engine: Engine, scope: Scope, asset_id: UUID) -> Asset:
    """Return an upload; raise NotFound, or UnsupportedMedia for one that was rejected."""
    with engine.connect() as conn:
        asset = asset_by_id(conn, scope, asset_id)
    if asset is None or asset.kind != "selfie":
        raise NotFound("The upload does not exist.", "input", "assetId")
    if asset.state == "rejected":
        raise UnsupportedMedia(asset.rejection or "The upload was rejected.", "input", "assetId")
    return asset
