"""Reads the pictures of an input (data URIs, our own files and outputs, any other URL) as bytes, as a model would.

A model reads its inputs when it starts to run, not when the prediction is created; a picture that cannot be read then
makes the prediction fail.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx
from PIL import Image, UnidentifiedImageError

from simulator.models.catalogue import Model
from simulator.outgoing import outgoing_client

FETCH_TIMEOUT_S = 15.0
MAX_FETCH_BYTES = 50_000_000


class ModelFailure(Exception):
    """The model failed; the message is the prediction's `error`."""


class Inputs:
    """Reads inputs. `find_own` returns the bytes behind one of the simulator's own URLs, or None if it is not ours."""

    def __init__(self, find_own: Callable[[str], bytes | None]) -> None:
        self._find_own = find_own
        self._client = outgoing_client(timeout_s=FETCH_TIMEOUT_S, follow_redirects=True)

    async def picture(self, model: Model, given: Mapping[str, Any]) -> bytes | None:
        """Return the first picture of the input, checked as the model checks it, or None if there is none."""
        uris = _picture_uris(model, given)
        contents = [await self._read(uri) for uri in uris]
        for content in contents:
            # Reading a large picture takes long enough to delay all other requests.
            await asyncio.to_thread(check_picture, content, model.picture)
        return contents[0] if contents else None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _read(self, uri: str) -> bytes:
        if uri.startswith("data:"):
            return decode_data_uri(uri)
        own = self._find_own(uri)
        return own if own is not None else await self._fetch(uri)

    async def _fetch(self, url: str) -> bytes:
        try:
            async with self._client.stream("GET", url) as response:
                response.raise_for_status()
                return await _bounded(response)
        except httpx.HTTPStatusError as refused:
            raise ModelFailure(_unreadable(url, f"HTTP status {refused.response.status_code}")) from refused
        except (httpx.HTTPError, httpx.InvalidURL) as unreachable:
            raise ModelFailure(_unreadable(url, type(unreachable).__name__)) from unreachable


def _picture_uris(model: Model, given: Mapping[str, Any]) -> list[str]:
    several = given.get(model.output.get("images_input", "")) or []
    one = given.get(model.output.get("frame_input", ""))
    return [*several, one] if one else list(several)


async def _bounded(response: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > MAX_FETCH_BYTES:
            raise ModelFailure(_unreadable(str(response.url), f"more than {MAX_FETCH_BYTES} bytes"))
    return bytes(content)


def _unreadable(url: str, why: str) -> str:
    # The query may contain a signature, which has no place in an error message.
    return f"Failed to download input file {url.partition('?')[0]}: {why}"


def decode_data_uri(uri: str) -> bytes:
    """Return the content of a data URI. Raises ModelFailure."""
    head, _, data = uri.partition(",")
    try:
        return base64.b64decode(data, validate=True) if head.endswith(";base64") else unquote_to_bytes(data)
    except binascii.Error as broken:
        raise ModelFailure(f"Failed to decode input data URI: {broken}") from broken


def check_picture(content: bytes, rules: Mapping[str, Any] | None) -> None:
    """Raise ModelFailure unless the bytes are a picture that conforms to the model's rules."""
    if rules and len(content) > rules["max_bytes"]:
        raise ModelFailure(f"Input image is larger than {rules['max_bytes'] // 1_000_000} MB")
    try:
        with Image.open(io.BytesIO(content)) as image:
            kind, size_px = image.format, image.size
            image.load()
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as broken:
        raise ModelFailure("Input image could not be read: it is not a supported image file") from broken
    if rules:
        _check_shape(kind, size_px, rules)


def _check_shape(kind: str | None, size_px: tuple[int, int], rules: Mapping[str, Any]) -> None:
    short, long = sorted(size_px)
    if kind not in rules["formats"]:
        raise ModelFailure(f"Input image format {kind} is not supported; use one of {', '.join(rules['formats'])}")
    if short <= rules["min_short_side_px"]:
        raise ModelFailure(f"Input image's short side must be over {rules['min_short_side_px']} px, not {short}")
    if long / short > rules["max_ratio"]:
        raise ModelFailure(f"Input image's aspect ratio must be between 2:5 and 5:2, not {long / short:.2f}:1")
