"""Tests that keep the documents, the schema and the structure true."""
