"""A request and its outcome, and the model of what it may do: whom it may change, and what must be refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLField, GraphQLInputObjectType, GraphQLObjectType, get_named_type

from db.records.ledger import WalletKey
from schema.build import build_schema
from schema.runtime import ApiSettings
from tests.schema.isolation.requests import Writer
from tests.schema.machine.parties import Party
from tests.schema.machine.responses import Response
from tests.schema.machine.things import Things

SCHEMA = build_schema(ApiSettings())._schema
_ROOT = SCHEMA.mutation_type
assert isinstance(_ROOT, GraphQLObjectType)
MUTATIONS: dict[str, GraphQLField] = dict(_ROOT.fields)
_WRITER = Writer(SCHEMA)
# A refused picture is remembered as refused, with its reason.
_REFUSED_FOR_GOOD = {"completeUpload", "importAsset"}


@dataclass(frozen=True)
class Request:
    """A mutation by a party with an input."""

    party: Party
    name: str
    input: dict[str, Any]

    @property
    def owner(self) -> WalletKey | None:
        """Return the owner of what is made: the caller, or the user for whom a key requests it."""
        own = self.party.owner
        of = self.input.get("onBehalfOf") or (self.input.get("userRef") if self.name == "createSession" else None)
        return WalletKey(own.account_id, of) if own is not None and of else own

    @property
    def key(self) -> tuple[WalletKey | None, str, str] | None:
        """Return the idempotency key with all that it belongs to, or None if the mutation has none."""
        key = self.input.get("idempotencyKey")
        return None if key is None else (self.owner, self.name, key)

    @property
    def meaning(self) -> dict[str, Any]:
        """Return the input with its defaults, without what does not make it another request."""
        fields = input_type(self.name).fields
        given = {name: self.input.get(name, field.default_value) for name, field in fields.items()}
        return {name: value or None for name, value in given.items() if name != "waitSeconds"}

    def send(self) -> Response:
        """Send it, and return the response, which is one that is documented."""
        return Response.of(self.party.caller.post(document(self.name), {"input": self.input}), self.name)

    def must_fail(self, things: Things) -> str | None:
        """Return why it cannot be accepted, or None if it may be."""
        says = MUTATIONS[self.name].description or ""
        if self.party.scopes == () or self.party.role in ("no one", "viewer"):
            return "the caller may change nothing"
        if says.startswith("For support") and self.party.role != "support":
            return "it is for support"
        if "Requires an API key" in says and self.party.role == "session":
            return "it is for API keys"
        # A filter that names what is of others selects nothing.
        named = names_in({name: value for name, value in self.input.items() if name != "filter"})
        foreign = [name for name in named if not self._may_name(things.owners.get(name))]
        return f"{foreign} is of others" if foreign else None

    def _may_name(self, owner: WalletKey | None) -> bool:
        behalf = self.input.get("onBehalfOf")
        return self.party.may_name(owner) and (behalf is None or owner is None or owner.user_ref in ("", behalf))

    def may_change(self, owner: WalletKey | None, things: Things, response: Response) -> bool:
        """Return whether rows of this owner may differ afterwards."""
        if response.is_refused and self.name not in _REFUSED_FOR_GOOD:
            return False
        if self.party.role == "support":
            named = {of.account_id for name in names_in(self.input) if (of := things.owners.get(name))}
            return owner is None or owner.account_id in named | {self.party.owner and self.party.owner.account_id}
        if owner is None or self.party.owner is None or owner.account_id != self.party.owner.account_id:
            return False
        return self.party.role == "key" or owner.user_ref in ("", self.party.owner.user_ref)


def input_type(name: str) -> GraphQLInputObjectType:
    """Return the type of a mutation's one argument."""
    found = get_named_type(MUTATIONS[name].args["input"].type)
    assert isinstance(found, GraphQLInputObjectType)
    return found


def document(name: str) -> str:
    """Return a document that selects all that is near."""
    # The fields of a form are needed to post it.
    selection = _WRITER.selection(MUTATIONS[name].type, 2 if name == "createUpload" else 1)
    return f"mutation ($input: {input_type(name).name}!) {{ {name}(input: $input) {selection} }}"


def names_in(value: Any) -> Iterator[str]:
    """Yield the texts of an input, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from names_in(each)
