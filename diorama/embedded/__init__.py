"""Real servers for the demo and the tests: Postgres, an object store, and the simulated provider.

Each is a child process behind the same few words (`server.EmbeddedServer`): started on free loopback ports with fresh
passwords, ready when `start` returns, gone without a trace after `stop`, and gone with us should we be killed.
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
