"""Lets tests write HEIC."""

from __future__ import annotations

from pillow_heif import register_heif_opener

register_heif_opener()
