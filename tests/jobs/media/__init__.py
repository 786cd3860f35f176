"""Tests of the picture and video work, on real media made here; `making` makes it."""
