"""The artist in the stand-in for Replicate: real pictures and films out of the picture that was sent.

Three functions, bytes in and bytes out, deterministic for equal arguments and safe to call from many threads:
`make_avatar` turns a photograph into a full-body comic figure, `make_scene` stands that figure in a drawn setting,
`make_animation` films it. `wants_scene` tells which of the two pictures a prompt asks for.

Everything is drawn by code; nothing is learned, fetched or read from a file. Anyone may import this package; it
imports nothing of the others.
"""

from simulator.studio.animation import make_animation
from simulator.studio.avatar import make_avatar
from simulator.studio.scene import make_scene, wants_scene

__all__ = ["make_animation", "make_avatar", "make_scene", "wants_scene"]
