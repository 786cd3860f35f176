"""The clients: they request avatars over the public API, cancel a few, and repeat requests without a response."""

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
_REPEAT_AFTER_S = 0.3


@dataclass
class Clients:
    """Threads that request jobs until they are stopped. `accepted` are the jobs that they were promised."""

    url: str
    key: str
    selfie_id: UUID
    pause_s: float
    canceled_share: float = 0.05
    accepted: set[UUID] = field(default_factory=set)
    without_response: int = 0
    surprises: list[str] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, number: int) -> None:
        """Start this many clients."""
        for client in range(number):
            thread = threading.Thread(target=self._run, args=(client,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Let each client finish its request, and stop."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(scaled(60))

    def _run(self, client: int) -> None:
        rng = random.Random(client)
        with httpx.Client(timeout=scaled(10.0), headers={"Authorization": f"Bearer {self.key}"}) as http:
            number = 0
            while not self._stopping.wait(self.pause_s * rng.uniform(0.5, 1.5)):
                number += 1
                job_id = self._request(http, f"client-{client}-{number}")
                if job_id and rng.random() < self.canceled_share:
                    self._stopping.wait(rng.random())
                    self._post(http, _CANCEL, {"jobId": encode_id(IdKind.JOB, job_id)})

    def _request(self, http: httpx.Client, key: str) -> UUID | None:
        """Repeat a request until it has a response; its key ensures a single job."""
        given = {"selfieId": encode_id(IdKind.ASSET, self.selfie_id), "idempotencyKey": key}
        for _ in range(100):
            response = self._post(http, _CREATE, given)
            payload = (response.get("data") or {}).get("createAvatar") if response else None
            if payload and payload["job"]:
                job_id = decode_id(payload["job"]["id"], IdKind.JOB)
                self.accepted.add(job_id)
                return job_id
            if payload:
                self.surprises.append(str(payload["userErrors"]))
                return None
            self.without_response += 1
            self._stopping.wait(_REPEAT_AFTER_S)
        self.surprises.append(f"no response for {key}")
        return None

    def _post(self, http: httpx.Client, query: str, given: dict[str, str]) -> dict[str, Any]:
        try:
            response = http.post(self.url, json={"query": query, "variables": {"input": given}})
            body = response.json()
            return body if isinstance(body, dict) else {}
        except (httpx.HTTPError, ValueError):
            return {}
