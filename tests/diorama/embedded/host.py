"""A program that starts every embedded server, says so, and waits: the tests run it as others, and kill it.

`python -m tests.diorama.embedded.host DIRECTORY` prints one line of JSON and ends when its input does.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from diorama.embedded import THROWAWAY_SETTINGS, EmbeddedPostgres, EmbeddedS3, EmbeddedServer, SimulatorProcess
from storage import S3Store


def main(directory: Path) -> None:
    """Start the servers side by side, on threads that end at once, as the demo does."""
    postgres = EmbeddedPostgres(directory / "postgres", settings=THROWAWAY_SETTINGS)
    s3 = EmbeddedS3(directory / "s3")
    servers: list[EmbeddedServer] = [postgres, s3, SimulatorProcess(directory / "simulator", speed=100)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda server: server.start(), servers))
    S3Store(s3.settings).check()
    with psycopg.connect(postgres.url.replace("+psycopg", "")) as conn:
        conn.execute("CREATE TABLE used (at timestamptz)")
    pids = [server.pid for server in servers]
    print(json.dumps({"pids": pids, "data": str(postgres.data_directory)}), flush=True)  # noqa: T201
    sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
