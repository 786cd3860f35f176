"""The themes a scene can have, read from `themes.json`: adding one is a matter of data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Theme:
    """One theme: what users see of it, and the words that the prompt is made of."""

    key: str
    name: str
    description: str
    palette: str
    setting: str
    ambience: str


@cache
def themes() -> Mapping[str, Theme]:
    """Return every theme by its key, in the order in which they are offered."""
    records = json.loads((files("jobs") / "themes.json").read_text(encoding="utf-8"))
    return MappingProxyType({record["key"]: Theme(**record) for record in records})
