"""Tests of the use cases, the broker, the actors, the provider and the media work."""
