"""Tests of `diorama/doctor`."""
