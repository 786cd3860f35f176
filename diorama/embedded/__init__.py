"""Real servers for the demo and the tests: Postgres, an object store, and the simulated provider.

Each is a child process with the same small interface (`server.EmbeddedServer`). It starts on free loopback ports with
fresh passwords, is ready when `start` returns, leaves nothing behind after `stop`, and ends with us if we are killed.
"""

from diorama.embedded.errors import EmbeddedServerError, ServerFailed, ServerMissing
from diorama.embedded.postgres import THROWAWAY_SETTINGS, EmbeddedPostgres
from diorama.embedded.process import ServerCommand, ServerProcess
from diorama.embedded.s3 import EmbeddedS3
from diorama.embedded.server import EmbeddedServer
from diorama.embedded.simulator import SimulatorProcess

__all__ = [
    "THROWAWAY_SETTINGS",
    "EmbeddedPostgres",
    "EmbeddedS3",
    "EmbeddedServer",
    "EmbeddedServerError",
    "ServerCommand",
    "ServerFailed",
    "ServerMissing",
    "ServerProcess",
    "SimulatorProcess",
]
