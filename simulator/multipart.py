"""Parses `multipart/form-data` bodies, with as much of the format as file uploads use."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message

from simulator.problems import BadRequest


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form. `filename` and `content_type` are None if the client did not send them."""

    name: str
    filename: str | None
    content_type: str | None
    content: bytes


def parse(body: bytes, content_type: str) -> dict[str, Part]:
    """Return the parts of a form by name; if a name occurs more than once, the last one. Raises BadRequest."""
    boundary = _boundary(content_type)
    # The first delimiter has no line break before it, so add one.
    sections = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if len(sections) < 2 or not sections[-1].startswith(b"--"):
        raise BadRequest("Malformed multipart body: the closing boundary is missing")
    parts = [_part(section) for section in sections[1:-1]]
    return {part.name: part for part in parts}


def _boundary(content_type: str) -> bytes:
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise BadRequest("Content-Type must be multipart/form-data with a boundary")
    return boundary.encode("latin-1")


def _part(section: bytes) -> Part:
    head, found, content = section.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = _headers(head)
    name = headers.get_param("name", header="Content-Disposition")
    if not found or not isinstance(name, str):
        raise BadRequest("Malformed multipart body: a part has no name")
    given_type = headers.get_content_type() if "Content-Type" in headers else None
    return Part(name, headers.get_filename(), given_type, content)


def _headers(head: bytes) -> Message:
    headers = Message()
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip():
            headers[name.strip()] = value.strip()
    return headers
