"""Pictures of one colour, as bytes and as data URIs."""

from __future__ import annotations

import base64
import io

from PIL import Image

RED = (220, 20, 20)


def picture(colour: tuple[int, int, int] = RED, size_px: tuple[int, int] = (640, 360), kind: str = "PNG") -> bytes:
    """Return a picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size_px, colour).save(out, kind)
    return out.getvalue()


def data_uri(content: bytes, kind: str = "image/png") -> str:
    """Return the content as a data URI."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
