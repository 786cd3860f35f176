"""The embedded servers configure the programs that use them."""

from __future__ import annotations

from diorama.demo.stack import environment_of
from diorama.embedded import EmbeddedS3


def test_an_embedded_store_does_not_say_how_a_provider_gets_pictures(s3_server: EmbeddedS3) -> None:
    """The provider may be the real one, which cannot reach an address of this machine."""
    assert {name.partition("_")[0] for name in environment_of(s3_server)} == {"S3"}
