"""The mark that says a picture or video was made by a model: IPTC's DigitalSourceType.

It is metadata, so anyone can strip it; it is the floor under a signed manifest, not a replacement for one.
"""

from __future__ import annotations

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

COMMENT: Final = f"AI-generated. DigitalSourceType: {DIGITAL_SOURCE_TYPE}"
"""The same mark for an MP4, whose comment tag every player and probe can show."""
