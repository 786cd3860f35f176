"""Reads XMP packets without the code that writes them."""

from __future__ import annotations

from xml.etree import ElementTree

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def facts_in(packet: str | bytes) -> dict[str, list[str | None]]:
    """Return the properties of an XMP packet by their names, each with its values."""
    text = packet.decode() if isinstance(packet, bytes) else packet
    (description,) = ElementTree.fromstring(text.replace("\ufeff", "")).iter(f"{_RDF}Description")
    facts: dict[str, list[str | None]] = {_name(key): [value] for key, value in description.items()}
    del facts["about"]
    return facts | {_name(each.tag): [item.text for item in each.iter(f"{_RDF}li")] for each in description}


def _name(qualified: str) -> str:
    return qualified.rpartition("}")[2]
