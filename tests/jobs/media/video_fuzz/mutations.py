"""Changes videos: the trees of their containers, what a hostile author would put into them, and any bytes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from tests.jobs.media.picture_fuzz import EXTREMES, mutated
from tests.jobs.media.video_fuzz.hostile_nodes import INSERTED, Elsewhere, disguised
from tests.jobs.media.video_fuzz.trees import Dialect, Node, copied, walk, written

# From here on a node has pictures or sound in it: repeated seldom, because there is so much of it.
_BULK_BYTES: Final = 4096
_MANY: Final = 100
_SIZES: Final = (*EXTREMES, 2**40, 2**56 - 2, 2**63)
_REPETITIONS: Final = (1, 1, 2, 10, 300)
_DEPTHS: Final = (1, 10, 100, 2000)

Change = Callable[[list[Node], random.Random], None]


def mutant(dialect: Dialect, original: bytes, elsewhere: Elsewhere, number: int) -> bytes:
    """Return the clip with a few changes, the same for the same number. `elsewhere` is what must not be opened."""
    chance = random.Random(number)
    if chance.random() < 0.02:
        return disguised(original, elsewhere, chance)
    if chance.random() < 0.2:
        return mutated(original, chance)
    nodes = dialect.parse(original)
    for _ in range(chance.choice((1, 2, 4, 8))):
        _change(dialect, nodes, elsewhere, chance)
    data = written(dialect, nodes)
    return mutated(data, chance) if data and chance.random() < 0.15 else data


def _change(dialect: Dialect, nodes: list[Node], elsewhere: Elsewhere, chance: random.Random) -> None:
    if chance.random() < 0.25:
        chance.choice(INSERTED[type(dialect)])(nodes, elsewhere, chance)
        return
    siblings = _siblings(nodes, chance)
    if siblings:
        chance.choice(_CHANGES)(siblings, chance)


def _siblings(nodes: list[Node], chance: random.Random) -> list[Node]:
    """Return nodes that stand side by side: seldom the outermost ones."""
    inner = [node.children for node in walk(nodes) if node.children]
    return chance.choice(inner) if inner and chance.random() < 0.9 else nodes


def _drop(siblings: list[Node], chance: random.Random) -> None:
    del siblings[chance.randrange(len(siblings))]


def _repeat(siblings: list[Node], chance: random.Random) -> None:
    at = chance.randrange(len(siblings))
    is_small = len(siblings[at].data) < _BULK_BYTES and len(list(walk([siblings[at]]))) < _MANY
    times = chance.choice(_REPETITIONS) if is_small else 1
    siblings[at:at] = [copied(siblings[at]) for _ in range(times)]


def _swap(siblings: list[Node], chance: random.Random) -> None:
    one, other = chance.randrange(len(siblings)), chance.randrange(len(siblings))
    siblings[one], siblings[other] = siblings[other], siblings[one]


def _lie_about_size(siblings: list[Node], chance: random.Random) -> None:
    node = chance.choice(siblings)
    node.claimed = chance.choice((*_SIZES, len(node.data) + chance.randint(-9, 9)))
    node.claimed = max(0, node.claimed)


def _rename(siblings: list[Node], chance: random.Random) -> None:
    chance.choice(siblings).kind = chance.choice([node.kind for node in walk(siblings)])


def _nest(siblings: list[Node], chance: random.Random) -> None:
    """Put a node into boxes of its own kind, or of its neighbour's, that stand in each other."""
    at, kind = chance.randrange(len(siblings)), chance.choice(siblings).kind
    for _ in range(chance.choice(_DEPTHS)):
        siblings[at] = Node(kind, children=[siblings[at]])


def _set_number(siblings: list[Node], chance: random.Random) -> None:
    """Put a number that no honest file has where a number may stand: at a multiple of its own width."""
    node = chance.choice([each for each in walk(siblings) if each.data] or [Node(b"")])
    width = chance.choice((1, 2, 4, 4, 8))
    places = range(0, max(1, min(len(node.data), chance.choice((32, 120, 4000))) - width + 1), width)
    at, value = chance.choice(places), chance.choice(EXTREMES) & (256**width - 1)
    number = value.to_bytes(width, chance.choice(("big", "little")))
    node.data = node.data[:at] + number + node.data[at + width :]


def _cut(siblings: list[Node], chance: random.Random) -> None:
    node = chance.choice(siblings)
    node.data = node.data[: chance.randrange(len(node.data) + 1)]


def _lengthen(siblings: list[Node], chance: random.Random) -> None:
    node = chance.choice(siblings)
    node.data += node.data[: chance.choice((4, 8, 1000))] * chance.choice((1, 2, 100))


def _damage(siblings: list[Node], chance: random.Random) -> None:
    """Change bytes anywhere in a node: in pictures and sound, if these are in it."""
    node = chance.choice([each for each in walk(siblings) if each.data] or [Node(b"")])
    data = bytearray(node.data)
    for _ in range(chance.choice((1, 1, 5, 50))):
        if data:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    node.data = bytes(data)


_CHANGES: Final[tuple[Change, ...]] = (
    _drop,
    _repeat,
    _swap,
    _lie_about_size,
    _rename,
    _nest,
    *[_set_number] * 4,
    _cut,
    _lengthen,
    *[_damage] * 2,
)
