"""A second, independent implementation of S3, over real HTTP: moto's server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from moto.server import ThreadedMotoServer

from storage import S3Settings


@contextmanager
def moto_server() -> Iterator[S3Settings]:
    """Serve an empty store on a free port of this process, and yield settings that name a bucket to create."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Settings("moto-bucket", "testing", "testing", endpoint_url=f"http://{host}:{port}")
    finally:
        server.stop()
