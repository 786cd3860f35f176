"""Tests of the simulator, over real HTTP, as its users call it."""
