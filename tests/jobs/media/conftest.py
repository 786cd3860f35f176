"""Resets the Pillow settings of tests that do a child's work in this process."""

from __future__ import annotations

import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def _pillow_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
