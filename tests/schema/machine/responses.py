"""Responses of mutations: what they are documented to be, and what they say about a request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

_PAGE = Path(__file__).parents[3] / "docs" / "api.md"
_TABLE = re.search("<!-- error-codes -->(.*?)<!-- /error-codes -->", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
DOCUMENTED = set(re.findall(r"`([A-Z_]+)`", _TABLE[1] if _TABLE else ""))
# Nothing fails here that the service needs, so neither is an excuse.
_OURS = {"INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"}


@dataclass(frozen=True)
class Response:
    """The payload of a mutation, or the codes of its refusal."""

    payload: dict[str, Any]
    codes: tuple[str, ...]

    @property
    def is_refused(self) -> bool:
        return bool(self.codes)

    @property
    def made(self) -> str | None:
        """Return the id of what the mutation made or changed."""
        objects = (each for each in self.payload.values() if isinstance(each, dict) and each.get("id"))
        return next((str(each["id"]) for each in objects), None)

    @classmethod
    def of(cls, response: httpx.Response, name: str) -> Response:
        """Return a response; it has data, or documented errors."""
        body = response.json()
        codes = [error["extensions"]["code"] for error in body.get("errors", ())]
        assert set(codes) <= DOCUMENTED - _OURS, body
        assert response.status_code in ((200, 400, 401, 403, 413) if codes else (200,)), (response.status_code, body)
        payload = (body.get("data") or {}).get(name)
        if payload is None:
            assert codes, body
            return cls({}, tuple(codes))
        errors = payload["userErrors"]
        # An error beside a payload would be that of a field: each of those is the server's own.
        assert not codes, body
        assert not errors or all(not value for key, value in payload.items() if key not in ("userErrors", "__typename"))
        return cls(payload, tuple(error["code"] for error in errors))
