"""The clients: they ask for avatars over the public API, cancel a few, and ask again when they get no answer."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from schema.ids import IdKind, decode_id, encode_id
from tests.support.eventually import scaled

_CREATE = """
mutation ($input: CreateAvatarInput!) {
  createAvatar(input: $input) { job { id } userErrors { code message } }
}
"""
_CANCEL = "mutation ($input: CancelJobInput!) { cancelJob(input: $input) { userErrors { code } } }"
_AGAIN_AFTER_S = 0.3


@dataclass
class Clients:
    """Threads that ask for jobs until they are told to stop. `accepted` is what they were promised."""

    url: str
    key: str
    selfie_id: UUID
    pause_s: float
    canceled_share: float = 0.05
    accepted: set[UUID] = field(default_factory=set)
    unanswered: int = 0
    surprises: list[str] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, number: int) -> None:
        """Begin to ask."""
        for client in range(number):
            thread = threading.Thread(target=self._run, args=(client,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Have each client finish what it is asking for."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(scaled(60))

    def _run(self, client: int) -> None:
        rng = random.Random(client)
        with httpx.Client(timeout=scaled(10.0), headers={"Authorization": f"Bearer {self.key}"}) as http:
            number = 0
            while not self._stopping.wait(self.pause_s * rng.uniform(0.5, 1.5)):
                number += 1
                job_id = self._ask(http, f"client-{client}-{number}")
                if job_id and rng.random() < self.canceled_share:
                    self._stopping.wait(rng.random())
                    self._post(http, _CANCEL, {"jobId": encode_id(IdKind.JOB, job_id)})

    def _ask(self, http: httpx.Client, key: str) -> UUID | None:
        """Ask until there is an answer: the key makes sure that it is one job however often it is asked for."""
        given = {"selfieId": encode_id(IdKind.ASSET, self.selfie_id), "idempotencyKey": key}
        for _ in range(100):
            answer = self._post(http, _CREATE, given)
            payload = (answer.get("data") or {}).get("createAvatar") if answer else None
            if payload and payload["job"]:
                job_id = decode_id(payload["job"]["id"], IdKind.JOB)
                self.accepted.add(job_id)
                return job_id
            if payload:
                self.surprises.append(str(payload["userErrors"]))
                return None
            self.unanswered += 1
            self._stopping.wait(_AGAIN_AFTER_S)
        self.surprises.append(f"no answer for {key}")
        return None

    def _post(self, http: httpx.Client, query: str, given: dict[str, str]) -> dict[str, Any]:
        try:
            answer = http.post(self.url, json={"query": query, "variables": {"input": given}})
            found = answer.json()
            return found if isinstance(found, dict) else {}
        except (httpx.HTTPError, ValueError):
            return {}
