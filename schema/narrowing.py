"""The rule of lists: what a filter may contain of all that its reader sees.

Two accounts may have end users of the same name, so support names the account of a user; others read only their own.
"""

from __future__ import annotations

from typing import Protocol

import strawberry

from db.scope import Scope
from jobs.identity import Principal
from schema.errors import BAD_USER_INPUT, FORBIDDEN, ApiError
from schema.ids import IdKind, decode_id


class OfAccount(Protocol):
    """A filter that may name an account, and one of its end users."""

    account: strawberry.ID | None
    user_ref: str | None


def narrowed(reader: Principal, wanted: OfAccount | None) -> Scope:
    """Return what the reader sees, narrowed to the account that a filter names.

    Raises ApiError for an account from anyone but support, and for a user without an account from support.
    """
    if wanted is None:
        return reader.scope
    if wanted.account is None:
        if reader.is_support and wanted.user_ref is not None:
            message = "filter.userRef needs filter.account: another account may have a user of the same name."
            raise ApiError(BAD_USER_INPUT, message)
        return reader.scope
    if not reader.is_support:
        raise ApiError(FORBIDDEN, "filter.account is for support: omit it, because you see only your own account.")
    return Scope(decode_id(wanted.account, IdKind.ACCOUNT))
