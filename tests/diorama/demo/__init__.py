"""Tests of `diorama/demo`."""
