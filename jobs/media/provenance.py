"""The mark that says a picture or video was made by a model: IPTC's DigitalSourceType.

It is metadata, so anyone can strip it; it is the floor under a signed manifest, not a replacement for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DIGITAL_SOURCE_TYPE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

# The packet identifier is a constant of the XMP specification.
_PACKET: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    f'Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}">'
    "{facts}"
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
    '<?xpacket end="r"?>'
)
_TEXT: Final = '<dc:{name}><rdf:Alt><rdf:li xml:lang="x-default">{value}</rdf:li></rdf:Alt></dc:{name}>'
_NAMES: Final = "<dc:{name}><rdf:Seq><rdf:li>{value}</rdf:li></rdf:Seq></dc:{name}>"


@dataclass(frozen=True, slots=True)
class Origin:
    """Names a file, the model that made it, and its job by the id that callers see; each is "" where it is not known.

    None of it may be private: it travels with the file.
    """

    title: str = ""
    model: str = ""
    job_id: str = ""

    def tags(self) -> dict[str, str]:
        """Return the tags of an MP4 that players and probes show, by FFmpeg's names for them.

        The comment carries the mark, because it is the tag that every player has a place for.
        """
        comment = f"{self._statement} DigitalSourceType: {DIGITAL_SOURCE_TYPE}"
        named = {"title": self.title, "artist": self.model, "comment": comment}
        return {tag: value for tag, value in named.items() if value}

    def xmp(self) -> str:
        """Return the mark and the same facts as an XMP packet, for every kind of file."""
        facts = (
            (_TEXT, "title", self.title),
            (_NAMES, "creator", self.model),
            (_TEXT, "description", self._statement),
        )
        elements = (element.format(name=name, value=_escaped(value)) for element, name, value in facts if value)
        return _PACKET.replace("{facts}", "".join(elements))

    @property
    def _statement(self) -> str:
        maker, job = f" by {self.model}" * bool(self.model), f" Job: {self.job_id}." * bool(self.job_id)
        return f"AI-generated{maker}.{job}"


def _escaped(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


UNKNOWN: Final = Origin()
