"""The ends of a command: one clear line and an exit status for each error that the user can fix."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from diorama.settings import SettingsError

# The input is wrong; a part failed; Ctrl-C, by the shells' convention.
EXIT_BAD_INPUT, EXIT_FAILED, EXIT_INTERRUPTED = 2, 1, 130


@contextmanager
def errors_as_lines() -> Iterator[None]:
    """Turn an error that the user can fix into one clear line and an exit status, without a traceback."""
    try:
        yield
    except SettingsError as error:
        _say(str(error))
        raise typer.Exit(EXIT_BAD_INPUT) from None
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None
    except Exception as error:
        status = _exit_status(error)
        if status is None:
            raise
        _say(str(error))
        raise typer.Exit(status) from None


def _exit_status(error: Exception) -> int | None:
    """Return the exit status for an error, or None if only its traceback can help."""
    from diorama.demo.client import Refused, Unreachable
    from diorama.demo.generate import BadInput
    from diorama.embedded import EmbeddedServerError
    from storage import StorageError

    match error:
        case BadInput() | Refused():
            return EXIT_BAD_INPUT
        case Unreachable() | EmbeddedServerError() | StorageError():
            return EXIT_FAILED
        case _:
            return None


def _say(line: str) -> None:
    sys.stderr.write(f"diorama: {line}\n")
