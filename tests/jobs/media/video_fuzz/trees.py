"""Reads MP4, Matroska and AVI files as trees of boxes, elements or chunks, and writes them again, lies included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

# How many bytes stand between the header of a box and the boxes in it.
_BOXES_AFTER: Final = {
    **dict.fromkeys((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"udta", b"mvex", b"moof"), 0),
    **dict.fromkeys((b"traf", b"ilst", b"wave", b"schi", b"sinf"), 0),
    b"meta": 4,
    b"stsd": 8,
    b"dref": 8,
    **dict.fromkeys((b"avc1", b"hev1", b"hvc1", b"av01", b"mp4v", b"apcn", b"apch", b"jpeg", b"mjpa", b"vp09"), 78),
    b"mp4a": 28,
}
_MASTER_NAMES: Final = (
    "1a45dfa3 18538067 114d9b74 4dbb 1549a966 1654ae6b ae e0 e1 55b0 1f43b675 a0 1c53bb6b bb b7 1254c367 7373 63c0 "
    "67c8 1941a469 61a7 1043a770 45b9 b6 6d80 6240 5034 5035"
)
_MASTERS: Final = frozenset(map(bytes.fromhex, _MASTER_NAMES.split()))
_LISTS: Final = (b"RIFF", b"LIST")


@dataclass
class Node:
    """A box, element or chunk. `head` stands before its `children`; one without children has only `data`.

    `claimed` is the size that its header states, if that is not the true one.
    """

    kind: bytes
    data: bytes = b""
    head: bytes = b""
    children: list[Node] = field(default_factory=list)
    claimed: int | None = None


class Dialect(Protocol):
    """A way to write trees."""

    def parse(self, data: bytes) -> list[Node]:
        """Return the nodes that stand one after the other in `data`, as deep as their kinds are known."""

    def header(self, node: Node, size: int) -> bytes:
        """Return what stands before a node's `size` bytes of content."""

    def padding(self, size: int) -> bytes:
        """Return what stands after `size` bytes of content."""


def written(dialect: Dialect, nodes: list[Node]) -> bytes:
    """Return the file; it is built from the end, because deep trees would exhaust Python's stack."""
    pieces: dict[int, bytes] = {}
    for node in reversed(list(walk(nodes))):
        content = node.head + b"".join(pieces.pop(id(child)) for child in node.children) + node.data
        size = len(content) if node.claimed is None else node.claimed
        pieces[id(node)] = dialect.header(node, size) + content + dialect.padding(len(content))
    return b"".join(pieces.pop(id(node)) for node in nodes)


def walk(nodes: list[Node]) -> Iterator[Node]:
    """Yield all nodes, each before those in it."""
    waiting = list(reversed(nodes))
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def copied(node: Node) -> Node:
    """Return a copy of a node and of all in it, however deep that is."""
    copies = {id(each): replace(each) for each in walk([node])}
    for each in copies.values():
        each.children = [copies[id(child)] for child in each.children]
    return copies[id(node)]


def _node(kind: bytes, content: bytes, head_bytes: int | None, parse: Callable[[bytes], list[Node]]) -> Node:
    """Return a node whose content has nodes in it, after `head_bytes`, or none where that is None."""
    if head_bytes is None:
        return Node(kind, content)
    return Node(kind, head=content[:head_bytes], children=parse(content[head_bytes:]))


class Mp4:
    """Boxes: a size of 32 bits that counts itself, and a type of four bytes."""

    def parse(self, data: bytes) -> list[Node]:
        """Return the boxes; what is too short for one is dropped."""
        nodes, at = [], 0
        while at + 8 <= len(data):
            size = max(8, int.from_bytes(data[at : at + 4], "big") or len(data) - at)
            kind = data[at + 4 : at + 8]
            nodes.append(_node(kind, data[at + 8 : at + size], _BOXES_AFTER.get(kind), self.parse))
            at += size
        return nodes

    def header(self, node: Node, size: int) -> bytes:
        """Return the size, of 64 bits where it needs more than 32, and the type."""
        if size + 8 < 2**32:
            return (size + 8).to_bytes(4, "big") + node.kind
        return (1).to_bytes(4, "big") + node.kind + (size % 2**64).to_bytes(8, "big")

    def padding(self, _size: int) -> bytes:
        """Return nothing."""
        return b""


class Matroska:
    """Elements: an id and a size, both as long as their first byte says."""

    def parse(self, data: bytes) -> list[Node]:
        """Return the elements; what is too short for one is dropped."""
        nodes, at = [], 0
        while at + 2 <= len(data):
            kind = data[at : at + _length(data[at])]
            at += len(kind)
            width = _length(data[at]) if at < len(data) else 1
            size = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
            at += width
            nodes.append(_node(kind, data[at : at + size], 0 if kind in _MASTERS else None, self.parse))
            at += size
        return nodes

    def header(self, node: Node, size: int) -> bytes:
        """Return the id and the size, in eight bytes like those that are filled in later."""
        return node.kind + ((1 << 56) | (size % (1 << 56))).to_bytes(8, "big")

    def padding(self, _size: int) -> bytes:
        """Return nothing."""
        return b""


def _length(first: int) -> int:
    return max(1, 9 - first.bit_length())


class Avi:
    """Chunks: a type of four bytes and a size of 32 bits; lists have another type before their chunks."""

    def parse(self, data: bytes) -> list[Node]:
        """Return the chunks; what is too short for one is dropped."""
        nodes, at = [], 0
        while at + 8 <= len(data):
            size = int.from_bytes(data[at + 4 : at + 8], "little")
            kind = data[at : at + 4]
            nodes.append(_node(kind, data[at + 8 : at + 8 + size], 4 if kind in _LISTS else None, self.parse))
            at += 8 + size + size % 2
        return nodes

    def header(self, node: Node, size: int) -> bytes:
        """Return the type and the size."""
        return node.kind + (size % 2**32).to_bytes(4, "little")

    def padding(self, size: int) -> bytes:
        """Return a byte after an odd number of them."""
        return bytes(size % 2)
