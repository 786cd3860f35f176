"""Tests of `schema/admission`."""
