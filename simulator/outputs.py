"""The output files that the delivery listener serves: named by 45 random characters, public, soon removed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from simulator.media import Media
from simulator.predictions import Prediction

Source = Callable[[], Awaitable[Media]]


@dataclass(frozen=True, slots=True)
class Output:
    """One file. A canned one is drawn at its first download; `media` is None until then."""

    prediction: Prediction
    media: Media | None
    draw: Source | None = None

    async def read(self) -> Media:
        """Return the file."""
        if self.media is not None:
            return self.media
        assert self.draw is not None, "an output has its media or a way to draw them"
        return await self.draw()


class Outputs:
    """All files by the path that they are served at."""

    def __init__(self) -> None:
        self._by_path: dict[str, Output] = {}

    def put(self, path: str, output: Output) -> None:
        """Serve an output at this path."""
        self._by_path[path] = output

    def find(self, path: str) -> Output | None:
        """Return the output at this path, or None."""
        return self._by_path.get(path)

    def remove(self, paths: list[str]) -> None:
        """Stop serving these. Removing one twice does no harm."""
        for path in paths:
            self._by_path.pop(path, None)

    def clear(self) -> None:
        """Stop serving all outputs."""
        self._by_path.clear()
