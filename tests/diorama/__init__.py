"""Tests of the program: wiring, command line, embedded servers."""
