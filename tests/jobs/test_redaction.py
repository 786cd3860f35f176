"""Secrets are masked by their shape, and no other text is."""

from __future__ import annotations

import time

import pytest

from jobs.redaction import redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Incorrect API key provided: sk-proj-AbC123xyz_-9.", "Incorrect API key provided: sk-***"),
        ("token r8_abcdefghijklmnop was revoked", "token r8_*** was revoked"),
        ("key dio_key_abc-DEF_123 and dio_ses_xyz789", "key dio_key_*** and dio_ses_***"),
        ("GET /streams/activity?ticket=dio_tkt_a-B_1234&live=sse", "GET /streams/activity?ticket=dio_tkt_***&live=sse"),
        ("signed with whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "signed with whsec_***"),
        ("Authorization: Bearer abc123def456", "Authorization: Bearer ***"),
        ("authorization: Token 0123456789abcdef", "authorization: Token ***"),
        ('{"openai_api_key": "plainwords", "prompt": "a cat"}', '{"openai_api_key": "***", "prompt": "a cat"}'),
        ("{'api_key': 'x y'}", "{'api_key': '*** y'}"),
        ("password=hunter2&next=1", "password=***&next=1"),
        (
            "failed to read data:image/jpeg;base64,/9j/4AAQSkZJRg== in time",
            "failed to read data:image/jpeg;base64,*** in time",
        ),
        (
            "GET http://s3/b/k.jpg?X-Amz-Credential=id%2F2026&X-Amz-Date=2026&X-Amz-Signature=beef 403",
            "GET http://s3/b/k.jpg?X-Amz-Credential=***&X-Amz-Date=2026&X-Amz-Signature=*** 403",
        ),
        ("postgresql://diorama:hunter2@db:5432/diorama", "postgresql://diorama:***@db:5432/diorama"),
    ],
)
def test_keys_are_masked_by_their_shape(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "The input or output was flagged as sensitive. Please try again with different inputs. (E005) (k3x9)",
        "You did not pass a valid authentication token",
        "max_tokens is too large; the token count was wrong",
        "data: none was sent; task-sk is not a key",
        "moved job_id=0193c1d2-7c3e-7a53-8f54-7bdbd6c6a1a4 happened=output_ready to_state=storing",
    ],
)
def test_ordinary_words_are_not_masked(text: str) -> None:
    assert redacted(text) == text


def test_known_secrets_without_a_typical_shape_are_masked() -> None:
    assert redacted("it was correct-horse", ("correct-horse",)) == "it was ***"


def test_short_words_are_not_secrets() -> None:
    assert redacted("a cat sat", ("cat",)) == "a cat sat"


def test_masking_twice_changes_nothing() -> None:
    once = redacted("Bearer abc123def456 sk-abcdefgh data:image/png;base64,AAAA password=x1")
    assert redacted(once) == once


@pytest.mark.parametrize(
    "piece", ["a.", "a", "data:", "data:a/b;", "://:", "token ", "api_key ", "secret=", "bearer 0"]
)
def test_no_text_takes_long(piece: str) -> None:
    """Anyone can send such texts: a pattern that rescans them from each character would take minutes."""
    began = time.process_time()
    redacted(piece * (200_000 // len(piece)) + "://@ data: key")
    assert time.process_time() - began < 2
