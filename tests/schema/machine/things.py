"""The model: everything that has been made so far, by anyone, with its owner. Later requests draw names from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from db.records.ledger import WalletKey
from tests.schema.isolation.examples import What
from tests.schema.isolation.requests import NODES
from tests.schema.machine.parties import Party

_OF_ASSET = {"AVATAR": What.AVATAR, "SCENE": What.SCENE, "SELFIE": What.SELFIE}
_MOST = 40


@dataclass(frozen=True)
class Thing:
    """A name and whose it is; None if it names nothing that anyone owns."""

    name: str
    owner: WalletKey | None = None


@dataclass
class Things:
    """The things of each kind, the last ones first."""

    owners: dict[str, WalletKey | None] = field(default_factory=dict)
    _of_kind: dict[What, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, what: What, name: str, owner: WalletKey | None) -> None:
        """Add a thing, unless it is known: its owner does not change."""
        if name not in self.owners:
            self.owners[name] = owner
            self._of_kind[what].insert(0, name)
            del self._of_kind[what][_MOST:]

    def disown(self, owner: WalletKey) -> None:
        """Note that a user was deleted: what was theirs is no one's, although it still has its name."""
        no_one = replace(owner, user_ref=f"deleted {owner.user_ref}")
        self.owners |= {name: no_one for name, of in self.owners.items() if of == owner}

    def of(self, kinds: Sequence[What]) -> list[Thing]:
        """Return all things of some kinds."""
        return [Thing(name, self.owners[name]) for what in kinds for name in self._of_kind[what]]

    def newest(self, what: What, owner: WalletKey | None) -> str:
        """Return the owner's newest thing of a kind."""
        return next(name for name in self._of_kind[what] if self.owners[name] == owner)

    def draw(self, kinds: Sequence[What], party: Party, pick: Callable[[int], int]) -> str:
        """Return the name of a thing, mostly one of the caller's own, or of one that never was."""
        everything = self.of(kinds)
        own = [each for each in everything if each.owner is not None and each.owner == party.owner]
        seen = [each for each in everything if party.may_name(each.owner)]
        from_ = (own or seen or everything) if pick(10) < 5 else (seen if pick(10) < 6 else everything)
        return from_[pick(len(from_))].name if from_ else "what never was"

    def add_all(self, payload: Any, owner: WalletKey | None) -> None:
        """Add everything that a payload shows for the first time."""
        for each in objects_in(payload):
            what = _OF_ASSET.get(str(each.get("kind"))) if each["__typename"] == "Asset" else None
            what = what or NODES.get(each["__typename"])
            if what is not None and each.get("id"):
                self.add(what, each["id"], owner)


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a payload, at any depth."""
    if isinstance(value, list):
        for each in value:
            yield from objects_in(each)
    elif isinstance(value, dict):
        if "__typename" in value:
            yield value
        for each in value.values():
            yield from objects_in(each)
