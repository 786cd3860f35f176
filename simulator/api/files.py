"""Operations on files: upload, list, get, delete, download."""

from __future__ import annotations

import hmac
from typing import Any

import orjson

from simulator.api.exchange import Call, Reply, json_reply
from simulator.files import StoredFile, download_signature
from simulator.multipart import Part, parse
from simulator.pages import cut
from simulator.problems import BadRequest, NotFound, Problem
from simulator.simulation import Simulation

LONGEST_NAME_BYTES = 255
DEFAULT_TYPE = "application/octet-stream"


async def create(sim: Simulation, call: Call) -> Reply:
    """POST /files"""
    parts = parse(call.body, call.headers.get("content-type", ""))
    content = parts.get("content")
    if content is None:
        raise BadRequest("The form field 'content' is required")
    if len(content.content) > sim.settings.max_file_bytes:
        raise Problem(413, {"detail": "Files must be less than 100MB in size"})
    name, kind = _name(parts, content), _type(parts, content)
    file = sim.files.add(name, kind, content.content, _metadata(parts))
    return json_reply(file.as_json(sim.addresses.api), 201)


async def list_all(sim: Simulation, call: Call) -> Reply:
    """GET /files"""
    files = sim.files.in_order()
    page = cut(range(len(files)), f"{sim.addresses.api}/v1/files", call.query)
    results = [files[at].as_json(sim.addresses.api) for at in reversed(page.positions)]
    return json_reply(page.as_json(results))


async def get(sim: Simulation, call: Call) -> Reply:
    """GET /files/{id}"""
    return json_reply(_find(sim, call).as_json(sim.addresses.api))


async def delete(sim: Simulation, call: Call) -> Reply:
    """DELETE /files/{id}"""
    sim.files.remove(_find(sim, call).id)
    return Reply(204)


async def download(sim: Simulation, call: Call) -> Reply:
    """GET /files/{id}/download, with a signature of owner, id and expiry; the response has no specific content type"""
    file = _find(sim, call)
    owner, expiry = call.query.get("owner", ""), call.query.get("expiry", "")
    expected = download_signature(sim.settings.files_secret, owner, file.id, expiry)
    signed = hmac.compare_digest(expected.encode(), call.query.get("signature", "").encode())
    if not signed or not expiry.isdigit() or int(expiry) < sim.clock.now():
        raise NotFound("File not found", bare=True)
    return Reply(200, file.content, DEFAULT_TYPE)


def _find(sim: Simulation, call: Call) -> StoredFile:
    file = sim.files.find(call.at["id"])
    if file is None:
        raise NotFound("File not found", bare=True)
    return file


def _name(parts: dict[str, Part], content: Part) -> str:
    name = parts["filename"].content.decode("utf-8", "replace") if "filename" in parts else content.filename
    if not name:
        raise BadRequest("A filename is required")
    if len(name.encode()) > LONGEST_NAME_BYTES:
        raise BadRequest(f"The filename must be at most {LONGEST_NAME_BYTES} bytes")
    return name


def _type(parts: dict[str, Part], content: Part) -> str:
    if "type" in parts:
        return parts["type"].content.decode("latin-1")
    return content.content_type or DEFAULT_TYPE


def _metadata(parts: dict[str, Part]) -> dict[str, Any]:
    if "metadata" not in parts:
        return {}
    try:
        metadata = orjson.loads(parts["metadata"].content)
    except orjson.JSONDecodeError:
        raise BadRequest("The form field 'metadata' must be valid JSON") from None
    if not isinstance(metadata, dict):
        raise BadRequest("The form field 'metadata' must be a JSON object")
    return metadata
