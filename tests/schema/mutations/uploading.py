"""Uploading a picture as a front end does: ask for a form, post the file with it, have it checked."""

from __future__ import annotations

import io
from typing import Any

import httpx
from PIL import Image

from tests.support.serving import Caller

CREATE = """
mutation ($type: String!) {
  createUpload(input: {contentType: $type}) {
    asset { id state kind contentType url }
    form { url fields { name value } expiresAt maxBytes }
    userErrors { code path message }
  }
}
"""
COMPLETE = """
mutation ($id: ID!) {
  completeUpload(input: {assetId: $id}) {
    asset { id state width height sizeBytes sha256 url } userErrors { code path message }
  }
}
"""


def noise() -> bytes:
    """Return a JPEG that no other call returns."""
    file = io.BytesIO()
    Image.effect_noise((800, 900), 80).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def upload(caller: Caller, content: bytes, content_type: str = "image/jpeg") -> str:
    """Upload a file and return the id of its asset, which is pending."""
    made = caller.ask(CREATE, type=content_type)["createUpload"]
    assert (made["asset"]["state"], made["asset"]["url"], made["userErrors"]) == ("PENDING", None, [])
    post(made["form"], content)
    asset_id: str = made["asset"]["id"]
    return asset_id


def post(form: dict[str, Any], content: bytes) -> None:
    """Post a file with a form of `createUpload`."""
    fields = {field["name"]: field["value"] for field in form["fields"]}
    httpx.post(form["url"], data=fields, files={"file": content}).raise_for_status()


def complete(caller: Caller, asset_id: str) -> dict[str, Any]:
    """Complete an upload and return the payload."""
    payload: dict[str, Any] = caller.ask(COMPLETE, id=asset_id)["completeUpload"]
    return payload
