"""Taking down a reported picture: it is deleted as by its owner, who reads why."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from db.public_ids import IdKind, encode_id
from db.records.accounts import sessions_in_scope
from db.records.assets import Asset, asset_by_id, explain_rejection
from db.records.audit import add_audit_entry
from db.records.ledger import WalletKey
from db.scope import EVERYTHING
from jobs.deleting.requesting import Requested, delete_asset
from jobs.errors import Forbidden, NotFound
from jobs.identity import Principal
from jobs.requesting.credits import check_explained
from statemachine.vocabulary import AuditAction

_TAKEN_DOWN = "It was taken down by support after a report."


def take_down_asset(conn: Connection, caller: Principal, asset_id: UUID, reason: str) -> Requested:
    """Delete a file, its copies and everything else of the job that made it; safe to repeat. For support only.

    A file that its owner has deleted is marked too. Raises Forbidden, Invalid for a bad reason, NotFound.
    """
    if not caller.is_support:
        raise Forbidden("Only support can take down a picture; its owner deletes it with deleteAsset.")
    check_explained(reason)
    asset = asset_by_id(conn, caller.scope, asset_id)
    if asset is None:
        raise NotFound("The asset does not exist.", "input", "assetId")
    if asset.rejection != _TAKEN_DOWN:
        subject = encode_id(IdKind.ASSET, asset_id)
        add_audit_entry(
            conn, caller.author, AuditAction.TAKE_DOWN_ASSET, _owner(conn, asset), subject=subject, reason=reason
        )
    requested = delete_asset(conn, caller, asset_id)
    explain_rejection(conn, asset_id, _TAKEN_DOWN)
    return requested


def _owner(conn: Connection, asset: Asset) -> WalletKey:
    """Return the end user whose file it is, or the account itself."""
    found = sessions_in_scope(conn, EVERYTHING, [asset.session_id]) if asset.session_id else {}
    return WalletKey(asset.account_id, next((each.user_ref for each in found.values()), ""))
