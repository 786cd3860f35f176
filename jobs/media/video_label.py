"""Lays the visible label over the pictures of a video. Runs in the child process only."""

from __future__ import annotations

from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

from jobs.media.label import margin_px, plate


class VideoLabel:
    """Lays the label over the pictures of one video, one after the other; their own are left as they are."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._graph: Graph | None = None
        self._pictures: FilterContext | None = None

    def over(self, picture: VideoFrame) -> VideoFrame:
        """Return the picture with the label; without a text, the picture itself."""
        if not self._text:
            return picture
        if self._graph is None or self._pictures is None:
            self._graph, self._pictures = _overlay(picture, self._text)
        self._pictures.push(picture)
        return self._graph.vpull()


def _overlay(first: VideoFrame, text: str) -> tuple[Graph, FilterContext]:
    """Return a graph that lays the label over all that is pushed into its source, which is returned, too."""
    label: VideoFrame = VideoFrame.from_image(plate((first.width, first.height), text))  # type: ignore[no-untyped-call]
    label.pts, label.time_base = 0, first.time_base
    margin, graph = margin_px(first.height), Graph()
    pictures, labels = (
        graph.add_buffer(width=each.width, height=each.height, format=each.format, time_base=first.time_base)
        for each in (first, label)
    )
    overlay = graph.add("overlay", f"x={margin}:y={margin}:eof_action=repeat:format=yuv420")
    pictures.link_to(overlay, 0, 0)
    labels.link_to(overlay, 0, 1)
    overlay.link_to(graph.add("buffersink"))
    graph.configure()
    labels.push(label)
    labels.push(None)
    return graph, pictures
