"""Tests of whole processes: real workers, real kills, real HTTP."""
