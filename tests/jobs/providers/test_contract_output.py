"""The tests' fake and the real client fulfil the same promises about the output of a prediction."""

from __future__ import annotations

import pytest

from jobs.providers.provider import OutputVanished
from tests.jobs.providers.harness import (
    ProviderHarness,
    run_to_end,
)

LARGE = 50_000_000


def test_an_output_is_opened_with_its_type_and_comes_in_chunks(harness: ProviderHarness) -> None:
    (url,) = run_to_end(harness, "succeeded").output
    with harness.provider.fetch(url, most_bytes=LARGE) as (content_type, chunks):
        assert content_type.startswith("image/")
        assert b"".join(chunks)


def test_an_output_that_is_gone_has_vanished(harness: ProviderHarness) -> None:
    (url,) = run_to_end(harness, "succeeded").output
    harness.remove_output(url)
    with pytest.raises(OutputVanished), harness.provider.fetch(url, most_bytes=LARGE):
        pass


def test_an_output_beyond_any_real_size_counts_as_vanished(harness: ProviderHarness) -> None:
    (url,) = run_to_end(harness, "succeeded").output
    with pytest.raises(OutputVanished), harness.provider.fetch(url, most_bytes=1) as (_, chunks):
        list(chunks)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/out.png",
        "file:///etc/passwd",
        "https://replicate.delivery.example.com/out.png",
        "https://user@169.254.169.254/latest",
        "https://\0.replicate.delivery/",
        "https://[::1.replicate.delivery/",
        "no address",
        "",
    ],
)
def test_nothing_is_fetched_from_a_host_that_has_no_outputs(harness: ProviderHarness, url: str) -> None:
    with pytest.raises(OutputVanished), harness.provider.fetch(url, most_bytes=LARGE):
        pass
