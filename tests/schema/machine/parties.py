"""The callers that take part: two users of an account, its keys, another account with a user, support, and no one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text

from db.records.ledger import WalletKey
from jobs.api_keys import issue_api_key
from jobs.errors import Suspended
from schema.ids import IdKind, decode_id, encode_id
from statemachine.vocabulary import KeyScope
from tests.support.partners import Partner, partner
from tests.support.serving import Caller, Server

_WHO = "{ viewer { session { id } } }"
_STORED = {"support": "admin", "viewer": "viewer"}
_ROLE = text("UPDATE api_keys SET role = :role WHERE id = :id")
_SCOPES = text("UPDATE api_keys SET scopes = :scopes WHERE id = :id")


@dataclass(frozen=True)
class Party:
    """A caller, the owner of what it makes, and the id of its session or key; the scopes, if it is a limited key."""

    name: str
    role: str
    caller: Caller
    owner: WalletKey | None = None
    credential: str | None = None
    scopes: Sequence[KeyScope] | None = None

    @property
    def session_id(self) -> UUID | None:
        """Return the session that owns what this caller makes; None for a key."""
        return decode_id(self.credential, IdKind.SESSION) if self.role == "session" and self.credential else None

    def may_name(self, owner: WalletKey | None) -> bool:
        """Return whether something of this owner exists for the caller. What has no owner is everyone's."""
        if owner is None or self.role == "support":
            return True
        if self.owner is None or owner.account_id != self.owner.account_id:
            return False
        return self.role == "key" or owner.user_ref == self.owner.user_ref


@dataclass
class Cast:
    """All parties. One whose credential has ended is replaced, and stays for a while behind the others."""

    server: Server
    ended: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        server = self.server
        self.acme, self.rival = partner(server, "acme"), partner(server, "rival")
        self.support = partner(server, "support", role="admin")
        self.parties = [
            Party("no one", "no one", Caller(server, None)),
            _session(self.acme, "ada"),
            _session(self.acme, "bob"),
            _key(self.acme, "a key"),
            _key(self.acme, "a key without scopes", scopes=()),
            _key(self.acme, "a key for requests", scopes=(KeyScope.REQUESTS,)),
            _session(self.rival, "ada"),
            _key(self.rival, "another account's key"),
            _key(self.support, "support", role="admin"),
            _key(self.support, "a viewer", role="viewer"),
        ]
        self._most = len(self.parties)
        # No party knows its id, so that none can take its role away.
        self.calm = Party("calm support", "support", self.support, _wallet(self.support, ""))

    @property
    def accounts(self) -> tuple[Partner, ...]:
        """Return the accounts, each with a key that no party uses."""
        return self.acme, self.rival, self.support

    def end(self, credentials: set[str]) -> bool:
        """Note credentials that work no more, and replace those who had them; return whether there were any."""
        self.ended |= credentials
        for place, each in enumerate(self.parties[: self._most]):
            if each.credential in self.ended:
                with suppress(Suspended):
                    self.parties[place] = self._again(each)
                    self.parties.append(each)
        del self.parties[self._most : -4]
        return bool(credentials)

    def restore_role(self, credential: str) -> None:
        """Give a key of support the role again with which it was made."""
        role = next((_STORED[each.role] for each in self.parties if each.credential == credential), "admin")
        with self.server.engine.begin() as conn:
            conn.execute(_ROLE, {"id": decode_id(credential, IdKind.API_KEY), "role": role})

    def _again(self, each: Party) -> Party:
        assert each.owner is not None
        of = next(one for one in self.accounts if one.principal.account_id == each.owner.account_id)
        if each.role == "session":
            return _session(of, each.owner.user_ref)
        return _key(of, each.name, role=_STORED.get(each.role, "partner"), scopes=each.scopes)


def _session(of: Partner, user_ref: str) -> Party:
    caller = of.user(user_ref, tier="paid", credits=500)
    credential = caller.ask(_WHO)["viewer"]["session"]["id"]
    return Party(f"{user_ref} of {of.account}", "session", caller, _wallet(of, user_ref), credential)


def _key(of: Partner, name: str, role: str = "partner", scopes: Sequence[KeyScope] | None = None) -> Party:
    with of.server.engine.begin() as conn:
        made = Partner(of.server, issue_api_key(conn, of.account, role=role, key_name=name), of.account)
    key = made.principal.key
    assert key is not None
    if scopes is not None:
        with of.server.engine.begin() as conn:
            conn.execute(_SCOPES, {"id": key.id, "scopes": list(scopes)})
    shown_role = {stored: shown for shown, stored in _STORED.items()}.get(role, "key")
    return Party(name, shown_role, made, _wallet(of, ""), encode_id(IdKind.API_KEY, key.id), scopes)


def _wallet(of: Partner, user_ref: str) -> WalletKey:
    return WalletKey(of.principal.account_id, user_ref)
