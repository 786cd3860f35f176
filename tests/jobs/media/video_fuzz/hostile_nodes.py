"""Insert into a container: references to other files, bombs, impossible times, many tracks."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.jobs.media.picture_fuzz import EXTREMES
from tests.jobs.media.video_fuzz.trees import Avi, Dialect, Matroska, Mp4, Node, copied, walk

_BOMB_BYTES: Final = 2**26


@dataclass(frozen=True)
class Elsewhere:
    """Names what no video may reach: a file beside it, another one by its full path, and a port of this machine."""

    beside: str
    path: Path
    port: int

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the forms in which a file may name them."""
        web = f"127.0.0.1:{self.port}/"
        return (self.beside, str(self.path), self.path.as_uri(), f"http://{web}", f"tcp://{web}", f"concat:{self.path}")


Insert = Callable[[list[Node], Elsewhere, random.Random], None]


def _all_of(nodes: list[Node], *kinds: bytes) -> list[Node]:
    return [node for node in walk(nodes) if node.kind in kinds]


def _extreme(chance: random.Random, code: str) -> bytes:
    size = struct.calcsize(code)
    value: int = chance.choice((*EXTREMES, 2**63, 2**64 - 1)) & (256**size - 1)
    return value.to_bytes(size, "big")


def _alias(path: str) -> bytes:
    """Return a Macintosh alias record, by which QuickTime finds media in other files: relative ones one level up."""
    named = b":" + path.encode().replace(b"/", b":")
    named += bytes(len(named) % 2)
    record = bytes(10) + b"\x06volume" + bytes(21) + bytes(12) + bytes(64) + bytes(16) + b"\0\1\0\1" + bytes(16)
    return record + struct.pack(">HH", 2, len(named)) + named + b"\xff\xff\0\0"


def _refer_elsewhere(nodes: list[Node], elsewhere: Elsewhere, chance: random.Random) -> None:
    address = chance.choice(elsewhere.addresses)
    kinds = ((b"alis", _alias(address)), (b"url ", address.encode() + b"\0"), (b"urn ", b"a\0" + address.encode()))
    kind, where = chance.choice(kinds)
    for references in _all_of(nodes, b"dref"):
        references.children = [Node(kind, bytes(4) + where)]


def _refer_as_movie(nodes: list[Node], elsewhere: Elsewhere, chance: random.Random) -> None:
    """QuickTime's reference movies name another file instead of having tracks."""
    address = chance.choice(elsewhere.addresses).encode() + b"\0"
    reference = Node(b"rdrf", bytes(4) + b"url " + len(address).to_bytes(4, "big") + address)
    for index in _all_of(nodes, b"moov"):
        index.children.append(Node(b"rmra", children=[Node(b"rmda", children=[reference])]))


def _edit(nodes: list[Node], _elsewhere: Elsewhere, chance: random.Random) -> None:
    count = chance.choice((1, 2, 50, 5000))
    edits = [_extreme(chance, "Q") + _extreme(chance, "Q") + _extreme(chance, "I") for _ in range(min(count, 50))]
    entries = b"".join(edits) * (count // len(edits))
    claimed = chance.choice((count, count, 2**31, 2**32 - 1))
    for track in _all_of(nodes, b"trak"):
        track.children = [each for each in track.children if each.kind != b"edts"]
        track.children.insert(
            1, Node(b"edts", children=[Node(b"elst", struct.pack(">II", 1 << 24, claimed) + entries)])
        )


def _retime(nodes: list[Node], _elsewhere: Elsewhere, chance: random.Random) -> None:
    """Give the samples times that are huge, negative or all the same, or more of them than there are."""
    for kind in (chance.choice((b"stts", b"ctts", b"stsz", b"stco", b"stsc", b"stss")),):
        for table in _all_of(nodes, kind):
            entries = b"".join(_extreme(chance, "I") for _ in range(chance.choice((1, 2, 30))))
            table.data = bytes([chance.choice((0, 1)), 0, 0, 0]) + _extreme(chance, "I") + entries


def _retrack(nodes: list[Node], _elsewhere: Elsewhere, chance: random.Random) -> None:
    for parent in _all_of(nodes, b"moov", bytes.fromhex("1654ae6b"), b"LIST"):
        tracks = [each for each in parent.children if _is_track(each)]
        copies = chance.choice((1, 6, 7, 20, 500))
        parent.children += [copied(track) for track in tracks[:1] for _ in range(copies)]


def _is_track(node: Node) -> bool:
    return node.kind in (b"trak", b"\xae") or node.head == b"strl"


def _compress_index(nodes: list[Node], _elsewhere: Elsewhere, chance: random.Random) -> None:
    """An index may be compressed: here it becomes 64 MiB, or claims more."""
    packed = zlib.compress(bytes(_BOMB_BYTES), 9)
    claimed = chance.choice((_BOMB_BYTES, 2**31 - 1, 2**32 - 1, 1, 0)).to_bytes(4, "big")
    for index in _all_of(nodes, b"moov"):
        bomb = [Node(b"dcom", b"zlib"), Node(b"cmvd", claimed + packed)]
        index.children = [Node(b"cmov", children=bomb)]


def _matroska(kind: str, data: bytes = b"", *children: Node) -> Node:
    return Node(bytes.fromhex(kind), data, children=list(children))


def _compress_blocks(nodes: list[Node], _elsewhere: Elsewhere, chance: random.Random) -> None:
    algorithm = bytes([chance.choice((0, 1, 2, 3, 255))])
    settings = _matroska("4255", chance.choice((b"", b"\0\0\1", bytes(1000))))
    compression = _matroska("5034", b"", _matroska("4254", algorithm), settings)
    for track in _all_of(nodes, b"\xae"):
        track.children.append(_matroska("6d80", b"", _matroska("6240", b"", compression)))
    for block in _all_of(nodes, b"\xa3")[:1]:
        block.data = block.data[:4] + zlib.compress(bytes(_BOMB_BYTES), 9)


def _link_segments(nodes: list[Node], elsewhere: Elsewhere, chance: random.Random) -> None:
    """Chapters of Matroska may be in other files, and attachments may have any name."""
    address = chance.choice(elsewhere.addresses).encode()
    for segment in _all_of(nodes, bytes.fromhex("18538067")):
        named = [_matroska("466e", address), _matroska("4660", b"font/ttf"), _matroska("465c", bytes(64))]
        segment.children.insert(0, _matroska("1941a469", b"", _matroska("61a7", b"", *named)))
    for info in _all_of(nodes, bytes.fromhex("1549a966")):
        info.children += [_matroska("3eb923", bytes(16)), _matroska("3e83bb", address)]


def _retime_matroska(nodes: list[Node], _elsewhere: Elsewhere, chance: random.Random) -> None:
    """Change the length of a tick, the time of a cluster, the length of a picture, or that of the whole."""
    kind = bytes.fromhex(chance.choice(("2ad7b1", "e7", "23e383", "4489", "9b", "fb")))
    for node in _all_of(nodes, kind):
        node.data = _extreme(chance, "Q")


def _index_elsewhere(nodes: list[Node], _elsewhere: Elsewhere, chance: random.Random) -> None:
    """The indexes of large AVI files point to further ones, here outside of the file or to themselves."""
    entries = b"".join(_extreme(chance, "Q") + _extreme(chance, "Q") for _ in range(chance.choice((1, 40))))
    index = struct.pack("<HBBI4s", 4, 0, 0, chance.choice((1, 40, 2**31 - 1)), b"00dc") + bytes(12) + entries
    for parent in _all_of(nodes, b"LIST"):
        if parent.head == b"strl":
            parent.children.append(Node(b"indx", index))


def _retime_avi(nodes: list[Node], _elsewhere: Elsewhere, chance: random.Random) -> None:
    """Change the scale, the rate, the start, the length or the sample size of a stream."""
    for header in _all_of(nodes, b"strh"):
        at = chance.choice((20, 24, 28, 32, 44))
        header.data = header.data[:at] + _extreme(chance, "I") + header.data[at + 4 :]


def _subtitle_avi(nodes: list[Node], elsewhere: Elsewhere, chance: random.Random) -> None:
    """AVI may have whole subtitle files inside it, which are opened by their own content."""
    script = f"ffconcat version 1.0\nfile '{chance.choice(elsewhere.addresses)}'\n".encode()
    packed = b"GAB2\0\2\0" + bytes(4) + b"\4\0" + len(script).to_bytes(4, "little") + script
    for header in _all_of(nodes, b"strh")[-1:]:
        header.data = b"txts" + header.data[4:]
    for media in _all_of(nodes, b"LIST"):
        if media.head == b"movi":
            media.children.insert(0, Node(chance.choice((b"00tx", b"01tx", b"00dc")), packed))


def disguised(original: bytes, elsewhere: Elsewhere, chance: random.Random) -> bytes:
    """Return a playlist, alone or behind the beginning of a video."""
    address = chance.choice(elsewhere.addresses)
    script = chance.choice(
        (f"ffconcat version 1.0\nfile '{address}'\n", f"#EXTM3U\n#EXTINF:1,\n{address}\n", f"<MPD>{address}</MPD>")
    )
    return original[: chance.choice((0, 12, 32, 48))] + script.encode()


INSERTED: Final[dict[type[Dialect], tuple[Insert, ...]]] = {
    Mp4: (*[_refer_elsewhere] * 2, _refer_as_movie, *[_edit] * 2, *[_retime] * 3, _retrack, _compress_index),
    Matroska: (_compress_blocks, _link_segments, *[_retime_matroska] * 3, _retrack),
    Avi: (_index_elsewhere, _retime_avi, _retime_avi, _subtitle_avi, _retrack),
}
