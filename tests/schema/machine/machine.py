"""The state machine: every mutation is a rule, and between them jobs move, deletions end and feeds are read.

The rules are made from the schema, so that a new mutation is tried as soon as it is there. Each run has a database of
its own. What is drawn is a number, so that a run can be repeated although the ids differ.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from PIL import Image
from sqlalchemy import text

from db.records.ledger import WalletKey
from schema.cursors import activity_cursor
from schema.ids import IdKind, encode_id
from tests.schema.isolation.examples import What
from tests.schema.machine.inputs import Inputs
from tests.schema.machine.parties import Cast, Party
from tests.schema.machine.progress import Progress
from tests.schema.machine.requests import MUTATIONS, Request, input_type
from tests.schema.machine.responses import Response
from tests.schema.machine.snapshot import Snapshot, changed, snapshot
from tests.schema.machine.things import Things
from tests.schema.machine.world import World
from tests.schema.mutations.uploading import post
from tests.support.invariants import assert_credits_add_up, assert_sound
from tests.support.partners import Partner

_MADE = text(
    """
    SELECT j.id, j.story_id, r.batch_id, j.kind, j.output_id FROM jobs j JOIN job_requests r ON r.job_id = j.id
    ORDER BY j.id
    """
)
_OVERDRAWN = text("SELECT count(*) FROM wallets WHERE available < 0")
_SUSPENDED = text("SELECT account_id, user_ref FROM suspensions")
_PAUSED = text("SELECT step FROM paused_steps ORDER BY step")
# A caller seldom has what a mutation needs, so each is sent several times.
_EACH = 4
_PLACES = st.integers(0, 719)


class Machine(RuleBasedStateMachine):
    """Callers of every kind, and what they have made. `open_world` is set by the test."""

    open_world: Callable[[], AbstractContextManager[World]]
    accepted: dict[str, int]

    @initialize()
    def begin(self) -> None:
        """Begin with empty accounts: what each test has made is out of the way."""
        self._context = type(self).open_world()
        self.world = self._context.__enter__()
        self.cast, self.things = Cast(self.world.server), Things()
        self.progress = Progress(self.world.engine)
        self.made: dict[Any, Request] = {}
        self.results: dict[Any, str | None] = {}
        self.stands: Snapshot | None = None
        for each in self.cast.accounts:
            self._know(each)
        for party in self.cast.parties:
            if party.role in ("session", "key"):
                selfie = self.things.newest(What.SELFIE, party.owner)
                self._send(party, "createStory", {"selfieId": selfie, "theme": "neon-city", "idempotencyKey": "first"})

    @rule(steps=st.integers(1, 12))
    def work(self, steps: int) -> None:
        """Let a worker do a few steps, and carry out deletions and redrives."""
        self.world.work(steps)
        self.stands = None
        self._learn()

    @rule(ends_as=st.sampled_from(["succeeded", "succeeded", "failed", "processing"]), steps=st.integers(1, 12))
    def provider_changes(self, ends_as: str, steps: int) -> None:
        """Let predictions end otherwise from now on."""
        self.world.provider.ends_as = ends_as
        self.world.provider.error = "The model is broken." if ends_as == "failed" else None
        self.work(steps)

    @rule(place=_PLACES)
    def read_on(self, place: int) -> None:
        """Read what is new in an account."""
        account = self.cast.accounts[place % 2]
        if account.principal.account_id not in {each.account_id for each in self._suspended()}:
            self.progress.read_on(account)

    @rule()
    def calm(self) -> None:
        """Let in everyone who is suspended, and resume every step, as support."""
        for each in self._suspended():
            given = {"accountId": encode_id(IdKind.ACCOUNT, each.account_id), "reason": "calm"}
            name = "resumeUser" if each.user_ref else "resumeAccount"
            self._send(self.cast.calm, name, given | ({"userRef": each.user_ref} if each.user_ref else {}))
        with self.world.engine.connect() as conn:
            paused = list(conn.scalars(_PAUSED))
        for step in paused:
            self._send(self.cast.calm, "resumeStep", {"step": step.upper()})

    @rule(place=_PLACES, again=_PLACES)
    def repeat(self, place: int, again: int) -> None:
        """Repeat a request with the same idempotency key: as it was, or with another input."""
        if not self.made:
            return
        request = list(self.made.values())[-1 - place % min(8, len(self.made))]
        given = dict(request.input)
        if again % 3 == 0:
            given |= _another(given)
        self._send(request.party, request.name, given)

    @invariant()
    def it_is_sound(self) -> None:
        """Check that histories are legal, credits add up, and what never goes back did not."""
        assert_sound(self.world.engine)
        assert_credits_add_up(self.world.engine)
        with self.world.engine.connect() as conn:
            assert conn.scalar(_OVERDRAWN) == 0
        self.progress.check()

    def teardown(self) -> None:
        """Let everything end that has begun, and read all feeds to their end."""
        if not hasattr(self, "progress"):
            return
        try:
            self.calm()
            self.provider_changes("succeeded", 200)
            self.it_is_sound()
            for account in self.cast.accounts[:2]:
                self.progress.read_on(account)
        finally:
            self._context.__exit__(None, None, None)

    def mutate(self, name: str, data: Any) -> None:
        """Send a mutation as someone, with things of anyone's."""

        def pick(below: int) -> int:
            return int(data.draw(_PLACES)) % max(1, below)

        party = self._party(name, pick)
        inputs = Inputs(self.things, party, pick, self.world.address)
        response = self._send(party, name, inputs.of(input_type(name)))
        if name == "createUpload" and not response.is_refused and pick(4):
            post(response.payload["form"], _picture() if pick(4) else b"not a picture")

    def _party(self, name: str, pick: Callable[[int], int]) -> Party:
        says, parties = MUTATIONS[name].description or "", self.cast.parties
        usual = [8] if says.startswith("For support") else [3, 7] if "Requires an API key" in says else [1, 2, 3, 6]
        return parties[usual[pick(len(usual))]] if pick(3) else parties[pick(len(parties))]

    def _send(self, party: Party, name: str, given: dict[str, Any]) -> Response:
        """Send a request, and compare its response and what it changed with the model."""
        request = Request(party, name, given)
        before = self.stands or snapshot(self.world.engine)
        response = request.send()
        self.stands = snapshot(self.world.engine)
        differing = changed(before, self.stands)
        why = request.must_fail(self.things)
        assert why is None or response.is_refused, f"{why}: {request} {response}"
        is_unknown = party.role == "no one" or party.credential in self.cast.ended
        assert ("UNAUTHENTICATED" in response.codes) == is_unknown, f"{request} {response}"
        wrong = [each for each in differing if not request.may_change(each[0], self.things, response)]
        assert not wrong, f"{request} {response} changed {wrong}"
        self._compare_with_earlier(request, response, bool(differing))
        if not response.is_refused:
            self._accept(request, response)
        return response

    def _compare_with_earlier(self, request: Request, response: Response, has_changed: bool) -> None:
        earlier = self.made.get(request.key) if request.key else None
        if response.is_refused or request.key is None:
            return
        replayed = response.payload["replayed"]
        assert replayed == (earlier is not None), f"{request} {response} after {earlier}"
        if earlier is not None:
            assert earlier.meaning == request.meaning, f"{request} is not {earlier}"
            assert not has_changed, f"the repeated {request} changed something"
            assert response.made in (self.results[request.key], None), f"{request} {response}"

    def _accept(self, request: Request, response: Response) -> None:
        type(self).accepted[request.name] = type(self).accepted.get(request.name, 0) + 1
        if request.key is not None and request.key not in self.made:
            self.made[request.key], self.results[request.key] = request, response.made
        self.things.add_all(response.payload, request.owner)
        if response.payload.get("grantId"):
            self.things.add(What.GRANT, response.payload["grantId"], request.party.owner)
        if request.name == "setApiKeyRole":
            # Each party is known by its role.
            self.cast.restore_role(request.input["id"])
            self.stands = None
        of_user = self._disown(request) if request.name == "deleteUser" else set()
        if self.cast.end(_ended_by(request) | of_user):
            self.stands = None
            for party in self.cast.parties:
                self._know_party(party)
        self._learn()

    def _disown(self, request: Request) -> set[str]:
        """Note that what was a deleted user's is no one's, and return the sessions that have ended with the user."""
        assert request.party.owner is not None
        account = self.things.owners.get(request.input.get("account") or "") or request.party.owner
        user = WalletKey(account.account_id, request.input["userRef"])
        self.things.disown(user)
        for key in [key for key in self.made if key[0] == user]:
            del self.made[key], self.results[key]
        return {each.credential for each in self.cast.parties if each.owner == user and each.credential}

    def _learn(self) -> None:
        """Add the jobs of stories and batches, and the outputs of jobs: their owners are those of what they are of."""
        with self.world.engine.connect() as conn:
            rows = conn.execute(_MADE).all()
        for row in rows:
            of = [
                encode_id(kind, id_)
                for kind, id_ in ((IdKind.STORY, row.story_id), (IdKind.BATCH, row.batch_id), (IdKind.JOB, row.id))
                if id_ is not None
            ]
            owner = next((self.things.owners[each] for each in of if each in self.things.owners), None)
            assert owner is not None, f"no caller made {of}"
            self.things.add(What.JOB, encode_id(IdKind.JOB, row.id), owner)
            if row.output_id is not None and row.kind != "animation":
                self.things.add(What[row.kind.upper()], encode_id(IdKind.ASSET, row.output_id), owner)

    def _know(self, account: Partner) -> None:
        """Give everyone the names of an account and of those who use it, and give each of these a selfie."""
        principal = account.principal
        own = WalletKey(principal.account_id)
        self.things.add(What.ACCOUNT, encode_id(IdKind.ACCOUNT, own.account_id), own)
        self.things.add(What.ACCOUNT_NAME, account.account, own)
        self.things.add(What.ACTIVITY_CURSOR, activity_cursor(own.account_id, 0), own)
        for each in self.cast.parties:
            self._know_party(each)
            if each.owner is not None and each.owner.account_id == own.account_id:
                self.things.add(What.SELFIE, account.asset(session_id=each.session_id), each.owner)

    def _know_party(self, party: Party) -> None:
        if party.credential is not None:
            self.things.add(What.SESSION if party.role == "session" else What.API_KEY, party.credential, party.owner)

    def _suspended(self) -> list[Any]:
        with self.world.engine.connect() as conn:
            return list(conn.execute(_SUSPENDED))


def _rule_of(name: str) -> Any:
    @rule(data=st.data())
    def send(self: Machine, data: Any) -> None:
        for _ in range(_EACH):
            self.mutate(name, data)

    return send


def machine(open_world: Callable[[], AbstractContextManager[World]]) -> type[Machine]:
    """Return the machine with a rule for each mutation of the schema."""
    rules = {name: _rule_of(name) for name in MUTATIONS}
    return type("MutationMachine", (Machine,), {**rules, "open_world": staticmethod(open_world), "accepted": {}})


def _another(given: dict[str, Any]) -> dict[str, Any]:
    """Return a change of an input that makes it another request."""
    for name in ("amount", "change", "perMinute"):
        if name in given:
            return {name: given[name] + 1}
    for name in ("details", "reason"):
        if given.get(name):
            return {name: f"{given[name]}, and more"}
    return {"metadata": {"changed": given.get("metadata")}} if "metadata" in given else {}


def _ended_by(request: Request) -> set[str]:
    """Return the credentials that a request has ended."""
    given = request.input
    if request.name == "endSession":
        return {each for each in (given.get("sessionId") or request.party.credential,) if each}
    if request.name == "revokeApiKey" or (request.name == "rotateApiKey" and given.get("overlapSeconds") == 0):
        return {given["id"]}
    return set()


def _picture() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((800, 900), 80).convert("RGB").save(file, "JPEG")
    return file.getvalue()
