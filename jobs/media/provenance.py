"""The mark that says a picture or video was made by a model: IPTC's DigitalSourceType.

It is metadata, so anyone can strip it; it is the floor under a signed manifest, not a replacement for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DIGITAL_SOURCE_TYPE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

# The packet identifier is a constant of the XMP specification.
XMP: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}"/>'
    "</rdf:RDF></x:xmpmeta>"
    '<?xpacket end="r"?>'
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Names a video, the model that made it, and its job by the id that callers see; each is "" where it is not known.

    None of it may be private: it travels with the file.
    """

    title: str = ""
    model: str = ""
    job_id: str = ""

    def tags(self) -> dict[str, str]:
        """Return the tags of an MP4 that players and probes show, by FFmpeg's names for them.

        The comment carries the mark, because it is the tag that every player has a place for.
        """
        maker, job = f" by {self.model}" * bool(self.model), f" Job: {self.job_id}." * bool(self.job_id)
        comment = f"AI-generated{maker}.{job} DigitalSourceType: {DIGITAL_SOURCE_TYPE}"
        named = {"title": self.title, "artist": self.model, "comment": comment}
        return {tag: value for tag, value in named.items() if value}


UNKNOWN: Final = Origin()
