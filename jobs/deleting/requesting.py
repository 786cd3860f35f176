"""Requesting a deletion. The transaction that records it also withdraws the files and cancels what uses them.

From its commit on, no address of the files is given out and no job begins with them. A worker deletes the objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.ids import new_id
from db.records.accounts import account_named
from db.records.assets import asset_by_id
from db.records.deletions import Deletion, deletion_of, insert_deletion
from db.records.stories import stories_by_id
from db.upkeep.deletions import end_sessions, rename_user
from jobs.deleting.collecting import collect
from jobs.errors import Forbidden, Invalid, NotFound
from jobs.identity import Principal
from statemachine.vocabulary import DeletionSubject


@dataclass(frozen=True, slots=True)
class Requested:
    """The deletion, and the jobs that it canceled."""

    deletion: Deletion
    canceled: frozenset[UUID] = frozenset()


def delete_asset(conn: Connection, caller: Principal, asset_id: UUID) -> Requested:
    """Delete a file, its poster, and everything else of the job that made it; return an earlier deletion as it is.

    Raises NotFound.
    """
    asset = asset_by_id(conn, caller.scope, asset_id)
    if asset is None:
        raise NotFound("The asset does not exist.", "input", "assetId")
    return _once(conn, caller, asset.account_id, DeletionSubject.ASSET, asset_id)


def delete_story(conn: Connection, caller: Principal, story_id: UUID) -> Requested:
    """Delete everything that was made for a story, but not its selfie; return an earlier deletion as it is.

    Raises NotFound.
    """
    story = stories_by_id(conn, caller.scope, [story_id]).get(story_id)
    if story is None:
        raise NotFound("The story does not exist.", "input", "storyId")
    return _once(conn, caller, story.account_id, DeletionSubject.STORY, story_id)


def delete_user(conn: Connection, caller: Principal, user_ref: str, account: str | None = None) -> Requested:
    """Delete everything of an end user, end their sessions, and give them a pseudonym in what must stay.

    A user of whom nothing is known is deleted as well: there is nothing to remove.
    Raises Forbidden for a session, or Invalid, NotFound.
    """
    if caller.session is not None:
        raise Forbidden("Only an API key can delete a user; this is a session token.")
    if not 1 <= len(user_ref) <= 200:
        raise Invalid("userRef must have 1 to 200 characters.", "input", "userRef")
    account_id, deletion_id = _account(conn, caller, account), new_id()
    pseudonym = f"deleted-{deletion_id.hex}"
    end_sessions(conn, account_id, user_ref, pseudonym)
    requested = _record(
        conn, caller, account_id, id=deletion_id, subject=DeletionSubject.USER, subject_id=None, pseudonym=pseudonym
    )
    # Last: nothing is locked after wallets.
    rename_user(conn, account_id, user_ref, pseudonym)
    return requested


def _account(conn: Connection, caller: Principal, account: str | None) -> UUID:
    if account is None:
        return caller.account_id
    if not caller.is_support:
        raise Invalid("account is for support only; omit it to delete one of your own end users.", "input", "account")
    found = account_named(conn, account)
    if found is None:
        raise NotFound(f"Unknown account {account[:60]!r}.", "input", "account")
    return found


def _once(
    conn: Connection, caller: Principal, account_id: UUID, subject: DeletionSubject, subject_id: UUID
) -> Requested:
    earlier = deletion_of(conn, subject_id)
    if earlier is not None:
        return Requested(earlier)
    return _record(conn, caller, account_id, id=new_id(), subject=subject, subject_id=subject_id)


def _record(conn: Connection, caller: Principal, account_id: UUID, **values: object) -> Requested:
    session_id = caller.session.id if caller.session else None
    deletion = insert_deletion(conn, account_id=account_id, session_id=session_id, actor=caller.actor, **values)
    return Requested(deletion, collect(conn, deletion).canceled)
