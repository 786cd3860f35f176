"""Prompt templates, read from `templates.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from statemachine.vocabulary import Kind

_SLOT = re.compile(r"\{([a-z]+)\}")
PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Template:
    """The lines of a prompt. A slot is a name in braces; a line with an empty slot is left out."""

    kind: Kind
    family: str
    variant: str
    lines: tuple[str, ...]
    joined_by: str

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the text. Slots are filled in one pass: a value is never parsed for slots itself.

        Raises KeyError for a slot without a value.
        """
        return self.joined_by.join(
            _SLOT.sub(lambda slot: values[slot[1]], line)
            for line in self.lines
            if all(values[name] for name in _SLOT.findall(line))
        )


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models: its wording of motions and camera moves, by their API names."""

    motions: Mapping[str, str]
    cameras: Mapping[str, str]

    @property
    def words(self) -> tuple[str, ...]:
        """Return all its wordings with their names, in one order."""
        return tuple(f"{name}: {text}" for name, text in sorted({**self.motions, **self.cameras}.items()))


@dataclass(frozen=True, slots=True)
class Templates:
    """All templates by kind, family and variant; all families by name."""

    by_name: Mapping[tuple[Kind, str, str], Template]
    families: Mapping[str, Family]


@cache
def templates() -> Templates:
    """Return the contents of the file."""
    whole = json.loads((files("jobs.prompts") / "templates.json").read_text(encoding="utf-8"))
    read = [_template(record, whole["families"]) for record in whole["templates"]]
    families = {
        name: Family(MappingProxyType(record["motions"]), MappingProxyType(record["cameras"]))
        for name, record in whole["families"].items()
    }
    by_name = {(template.kind, template.family, template.variant): template for template in read}
    return Templates(MappingProxyType(by_name), MappingProxyType(families))


def _template(record: dict[str, Any], families: Mapping[str, Any]) -> Template:
    family = record["family"]
    return Template(
        Kind(record["kind"]), family, record["variant"], tuple(record["lines"]), families[family]["joined_by"]
    )
