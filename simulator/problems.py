"""Errors in Replicate's words.

Problem (an HTTP status and a JSON body)
├── NotFound            404
├── InvalidInput        422, with `invalid_fields`
├── InvalidVersion      422
├── Unauthenticated     401
├── Forbidden           403
├── BadRequest          400
└── Throttled           429, with `retry_after`
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class Problem(Exception):
    """An error response. `body` is sent as `application/problem+json`, with a newline at its end."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.body = body
        self.headers = headers or {}
        super().__init__(body.get("detail", str(status)))


class NotFound(Problem):
    """The requested resource does not exist."""

    def __init__(self, detail: str = "The requested resource could not be found.", *, bare: bool = False) -> None:
        super().__init__(404, {"detail": detail} if bare else {"detail": detail, "status": 404})


class BadRequest(Problem):
    """The request cannot be understood."""

    def __init__(self, detail: str) -> None:
        super().__init__(400, {"detail": detail, "status": 400})


class Forbidden(Problem):
    """The account may not do this."""

    def __init__(self, detail: str) -> None:
        super().__init__(403, {"detail": detail, "status": 403})


class Unauthenticated(Problem):
    """The request has no token, or one that is not accepted."""

    def __init__(self, detail: str = "You did not pass a valid authentication token") -> None:
        super().__init__(401, {"title": "Unauthenticated", "detail": detail, "status": 401})


class InvalidVersion(Problem):
    """`version` names a version that does not exist."""

    def __init__(self) -> None:
        detail = "The specified version does not exist (or perhaps you don't have permission to use it?)"
        super().__init__(422, {"title": "Invalid version or not permitted", "detail": detail, "status": 422})


@dataclass(frozen=True, slots=True)
class InvalidField:
    """One error in a request. `field` is dotted (`input.prompt`), or empty for the body itself."""

    type: str
    field: str
    description: str

    @property
    def line(self) -> str:
        """The line for it in `detail`."""
        return f"- {self.field}: {self.description}\n" if self.field else f"- {self.description}\n"


class InvalidInput(Problem):
    """The body or the model's input breaks its schema."""

    def __init__(self, fields: list[InvalidField]) -> None:
        self.fields = fields
        super().__init__(
            422,
            {
                "detail": "".join(field.line for field in fields),
                "status": 422,
                "title": "Input validation failed",
                "invalid_fields": [
                    {"type": field.type, "field": field.field, "description": field.description} for field in fields
                ],
            },
        )


class Throttled(Problem):
    """The account has exceeded a rate limit."""

    def __init__(self, retry_after_s: int) -> None:
        unit = "second" if retry_after_s == 1 else "seconds"
        detail = f"Request was throttled. Expected available in {retry_after_s} {unit}."
        super().__init__(429, {"detail": detail, "status": 429, "retry_after": retry_after_s})
