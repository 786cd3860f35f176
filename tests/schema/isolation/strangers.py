"""Callers of every kind, each with those whose things it may not see, and what they get."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import quote_plus

from statemachine.vocabulary import KeyScope
from tests.schema.isolation.belongings import Belongings, belongings
from tests.schema.isolation.examples import HIDDEN_FROM_SUPPORT, What
from tests.schema.isolation.places import Place
from tests.schema.isolation.requests import Operation
from tests.schema.mutations.test_api_keys import created
from tests.support.databases import unique_name
from tests.support.partners import partner
from tests.support.serving import Caller, Server

# What the users of one account may know of it.
_OF_ACCOUNT = frozenset({What.ACCOUNT, What.ACCOUNT_NAME, What.ACTIVITY_CURSOR})
# The estimate of when a job will be ready moves with the clock.
_OF_THE_MOMENT = re.compile(r'"(requestId|estimatedReadyAt)": ?"[^"]*"')


@dataclass(frozen=True)
class Stranger:
    """A caller with things of its own, and others whose things are hidden from it."""

    name: str
    caller: Caller
    mine: Belongings
    others: tuple[Belongings, ...]
    hidden: frozenset[What] = frozenset(What)
    # The scopes of a key say what it may change; every key reads the same.
    changes_only: bool = False

    def tries(self, place: Place, what: What) -> bool:
        """Return whether this caller names such a thing here."""
        if self.changes_only and (place.parent != "Mutation" or what is What.IDEMPOTENCY_KEY):
            # The keys of an account share its idempotency keys.
            return False
        return what in self.hidden


def strangers(server: Server) -> tuple[Stranger, ...]:
    """Return a caller of every kind."""
    acme, rival = (partner(server, unique_name(each)) for each in ("acme", "rival"))
    support = partner(server, unique_name("support"), role="admin")
    _, mine = belongings(acme)
    ada, hers = belongings(acme, unique_name("ada"))
    # What others have comes last, so that every list of one's own ends before it.
    (_, bobs), (_, eves), (_, theirs) = (
        belongings(acme, unique_name("bob")),
        belongings(rival, unique_name("eve")),
        belongings(rival),
    )
    # With the scope that a change needs, a key is like the whole one; without it, like the one that has none.
    limited = [created(acme, *scopes)[0] for scopes in ([], [KeyScope.SESSIONS.name])]
    return (
        Stranger("no one", Caller(server, None), mine, (eves,)),
        Stranger("a session, before another account", ada, hers, (eves, theirs)),
        Stranger("a session, before another user", ada, hers, (bobs, mine), frozenset(What) - _OF_ACCOUNT),
        Stranger("a key", acme, mine, (eves, theirs)),
        *(Stranger("a limited key", each, mine, (eves,), changes_only=True) for each in limited),
        Stranger("support", support, mine, (eves, theirs), frozenset(HIDDEN_FROM_SUPPORT)),
    )


def response(caller: Caller, operation: Operation, given: str) -> str:
    """Return a response without what differs between any two: what was given, and what is of the moment.

    Of a change that was made only the form is returned: it is about something new.
    """
    got = caller.post(operation.document, operation.naming(given))
    text = _OF_THE_MOMENT.sub(r'"\1":""', got.text.replace(given, "given").replace(quote_plus(given), "given"))
    if '"userErrors":[]' in text:
        text = json.dumps(_form_of(json.loads(text)))
    return f"{got.status_code} {text}"


def _form_of(value: object) -> object:
    if isinstance(value, dict):
        return {name: _form_of(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_form_of(each) for each in value]
    return value if isinstance(value, bool) or value is None else type(value).__name__


def first_message(caller: Caller, operation: Operation, given: str, beside: str | None) -> str:
    """Return the first message of a subscription, or else of the caller's activity after `beside`, begun after it."""
    with caller.socket() as socket:
        socket.begin(operation.document, **operation.naming(given))
        if beside is not None:
            socket.begin(_ALL, after=beside)
        message = socket.receive()
    return _OF_THE_MOMENT.sub(r'"\1":""', f"{message['type']} {json.dumps(message['payload'])}".replace(given, "given"))


_ALL = "subscription ($after: String!) { jobActivity(after: $after) { cursor } }"
