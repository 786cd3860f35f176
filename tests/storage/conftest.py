"""Two stores of different makers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from diorama.embedded import EmbeddedS3
from storage import S3Settings, S3Store
from tests.support.moto_server import moto_server


@pytest.fixture(scope="session")
def moto() -> Iterator[S3Settings]:
    """Settings of moto's store, with an empty bucket."""
    with moto_server() as settings:
        S3Store(settings).ensure_bucket()
        yield settings


@pytest.fixture(params=["seaweedfs", "moto"])
def either(request: pytest.FixtureRequest, s3_server: EmbeddedS3, moto: S3Settings) -> Iterator[S3Settings]:
    """Settings of each store in turn, whose bucket is empty before and after the test."""
    settings = s3_server.settings if request.param == "seaweedfs" else moto
    store = S3Store(settings)
    store.delete([found.key for found in store.list()])
    yield settings
    store.delete([found.key for found in store.list()])
