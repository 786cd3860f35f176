"""Tests of the embedded servers: they start anywhere, beside anything, and leave nothing behind."""
