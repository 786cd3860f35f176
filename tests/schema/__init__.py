"""Tests of the API through real HTTP and WebSockets, on a real Postgres."""
