"""The command line: one program, `diorama`, with a command for each part and each task.

Each command imports what it needs when it runs: loading every part takes most of a second, and neither `--help` nor
a wrong setting should.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from diorama.exits import errors_as_lines
from diorama.logging import configure_logging
from diorama.settings import Settings, read_settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A selfie becomes a comic avatar, a themed scene and a short animation.",
)

DEFAULT_THEME = "enchanted-forest"

Theme = Annotated[str, typer.Option(help="The scene's theme.")]
Out = Annotated[Path, typer.Option("--out", help="The folder to write the files to.")]


@app.command()
def serve(port: Annotated[int | None, typer.Option(help="The port; 0 picks a free one. [PORT]")] = None) -> None:
    """Run the GraphQL API."""
    with errors_as_lines():
        given = {} if port is None else {"port": port}
        settings = read_settings("database", "store", **given)
        _log(settings)
        from diorama.preflight import check_database, check_public_url, check_store
        from diorama.serve import run_api

        check_database(settings)
        check_store(settings)
        check_public_url(settings)
        run_api(settings)


@app.command()
def worker(
    processes: Annotated[int | None, typer.Option(help="Worker processes. [WORKER_PROCESSES]")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads in each process. [WORKER_THREADS]")] = None,
    supervisor: Annotated[int | None, typer.Option(hidden=True, help="The process to end with.")] = None,
) -> None:
    """Run Dramatiq workers that move jobs."""
    with errors_as_lines():
        settings = read_settings("database", "store", "provider")
        _log(settings)
        from diorama.heartbeat import Heartbeat
        from diorama.preflight import check_database, check_provider, check_store
        from diorama.work import run_worker, supervise

        check_database(settings)
        check_store(settings)
        check_provider(settings)
        count, each = processes or settings.worker_processes, threads or settings.worker_threads
        if count > 1:
            # Children that cannot write their heartbeats would be restarted forever.
            with Heartbeat(settings.heartbeat_dir):
                pass
            raise typer.Exit(supervise(["worker", "--processes", "1", "--threads", str(each)], count))
        run_worker(settings, threads=each, supervisor=supervisor)


@app.command()
def migrate() -> None:
    """Migrate the database to the newest schema, and create the bucket if it is missing."""
    with errors_as_lines():
        settings = read_settings("database", "store")
        _log(settings)
        from db.migrate import migrate as migrate_database
        from diorama.preflight import check_database
        from diorama.wiring import build_engine, build_store

        check_database(settings, migrated=False)
        migrate_database(build_engine(settings, "migrate", pool_size=2))
        build_store(settings).ensure_bucket()


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def simulator(context: typer.Context) -> None:
    """Run the stand-in for Replicate's HTTP API (it has a --help of its own)."""
    with errors_as_lines():
        try:
            from simulator.cli import main as run_simulator
        except ModuleNotFoundError as missing:
            from diorama.demo.generate import BadInput

            raise BadInput(
                f"the simulator is not installed (no module {missing.name}): pip install 'diorama[simulator]'."
            ) from None
    raise typer.Exit(run_simulator(context.args, program="diorama simulator"))


@app.command()
def generate(
    photo: Annotated[Path, typer.Argument(help="A photograph: JPEG, PNG, WebP, HEIC or AVIF.")],
    theme: Theme = DEFAULT_THEME,
    out: Out = Path("diorama-output"),
    api: Annotated[str, typer.Option(envvar="DIORAMA_API", help="The API's URL.")] = "http://127.0.0.1:8000",
    key: Annotated[str, typer.Option(envvar="DIORAMA_API_KEY", help="An API key or a session token.")] = "",
) -> None:
    """Turn a photograph into an avatar, a scene and a video, as a client of the public API."""
    from diorama.demo.generate import BadInput
    from diorama.demo.generate import generate as run

    with errors_as_lines():
        if not key:
            raise BadInput("no API key: set DIORAMA_API_KEY or pass --key (`diorama key NAME` creates one).")
        video = asyncio.run(run(photo, theme, out, api_url=api, secret=key, console=Console(stderr=True)))
        sys.stdout.write(f"{video}\n")


@app.command()
def key(
    account: Annotated[str, typer.Argument(help="The account's name; it is created if it does not exist.")],
    role: Annotated[
        str, typer.Option(help="Either partner or, for support staff, viewer, agent or admin.")
    ] = "partner",
    name: Annotated[str, typer.Option(help="Who or what uses it; for support staff, who. [the account's name]")] = "",
) -> None:
    """Create an API key for an account and print it. It cannot be shown again."""
    from diorama.demo.generate import BadInput
    from jobs.api_keys import issue_api_key
    from statemachine.vocabulary import Role

    with errors_as_lines():
        if role not in set(Role) - {Role.SESSION}:
            raise BadInput("--role must be partner, viewer, agent or admin.")
        with _database("key") as conn:
            sys.stdout.write(issue_api_key(conn, account, role=role, key_name=name or account) + "\n")


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The key itself, its name, or the start of its fingerprint.")],
) -> None:
    """Revoke an API key: requests with it fail at once, and its open sockets close within seconds."""
    from diorama.demo.generate import BadInput
    from jobs.api_keys import revoke_api_key
    from jobs.errors import UseCaseError

    with errors_as_lines(), _database("revoke") as conn:
        try:
            revoked = revoke_api_key(conn, key)
        except UseCaseError as error:
            raise BadInput(str(error)) from None
        sys.stdout.write(f"{revoked.fingerprint} ({revoked.name}, {revoked.role}) is revoked\n")


@app.command()
def grant(
    account: Annotated[str, typer.Argument(help="The account's name.")],
    amount: Annotated[int, typer.Argument(help="How many credits, at least 1.")],
) -> None:
    """Give credits to an account and print its balance."""
    from diorama.demo.generate import BadInput
    from jobs.errors import Invalid, NotFound
    from jobs.requesting.credits import grant_to_account

    with errors_as_lines(), _database("grant") as conn:
        try:
            balance = grant_to_account(conn, account, amount, actor="command line")
        except (Invalid, NotFound) as error:
            raise BadInput(str(error)) from None
        sys.stdout.write(f"{balance.available}\n")


@app.command()
def limit(
    account: Annotated[str, typer.Argument(help="The account's name.")],
    jobs: Annotated[int, typer.Argument(help="The limit, at least 1; 0 for no limit.")],
) -> None:
    """Limit how many jobs of an account may be at the provider at once."""
    from db.records.accounts import JOBS_AT_ONCE_MAX, limit_account
    from diorama.demo.generate import BadInput

    with errors_as_lines(), _database("limit") as conn:
        if not 0 <= jobs <= JOBS_AT_ONCE_MAX:
            raise BadInput(f"jobs must be from 1 to {JOBS_AT_ONCE_MAX}, or 0 for no limit.")
        if not limit_account(conn, account, jobs or None):
            raise BadInput(f"there is no account {account!r}: `diorama key` creates one.")


@app.command()
def doctor(
    storage: Annotated[
        bool, typer.Option("--storage", help="Instead, compare every object in the bucket with the rows.")
    ] = False,
    store: Annotated[
        bool, typer.Option("--store", help="Instead, check that the object store does all that is needed of it.")
    ] = False,
    workers: Annotated[
        bool, typer.Option("--workers", help="Instead, check that this machine's workers are alive. [HEARTBEAT_DIR]")
    ] = False,
) -> None:
    """Check what is configured, reachable and missing."""
    from diorama.doctor.findings import report

    if workers:
        from diorama.heartbeat import examine_workers as examine
    elif store:
        from diorama.doctor.store import examine_store as examine
    elif storage:
        from diorama.doctor.bucket import examine_storage as examine
    else:
        from diorama.doctor.examination import examine
    raise typer.Exit(report(Console(), examine()))


@app.command()
def purge() -> None:
    """Purge everything past its retention now, without waiting for the workers, and print the counts."""
    with errors_as_lines():
        settings = read_settings("database", "store")
        _log(settings)
        from diorama.doctor.bucket import purge_all
        from diorama.preflight import check_database

        check_database(settings)
        purged, left, rows = purge_all(settings)
        sys.stdout.write(f"{purged.files} files, {purged.sources} sources, {left} leftovers")
        sys.stdout.write(f", {len(purged.months)} months of history")
        sys.stdout.write(f", the rows of {rows.jobs} jobs, {rows.files} files and {rows.keys} idempotency keys\n")


@app.command()
def demo(
    selfie: Annotated[Path | None, typer.Option(help="A photograph; the default is a sample.")] = None,
    theme: Theme = DEFAULT_THEME,
    out: Out = Path("demo-output"),
) -> None:
    """Start every part, turn a photograph into a video through the API, and stop everything."""
    from diorama.demo.command import run_demo

    with errors_as_lines():
        run_demo(selfie, theme, out)


@app.command()
def up(
    port: Annotated[int, typer.Option(help="The API's port; 0 picks a free one.")] = 0,
    directory: Annotated[Path, typer.Option(help="Where the embedded servers keep their data.")] = Path(".diorama"),
) -> None:
    """Start every part and keep it running until Ctrl-C."""
    from diorama.demo.command import run_up

    with errors_as_lines():
        run_up(port, directory=directory)


def _log(settings: Settings) -> None:
    configure_logging(settings.log_level, settings.log_format, settings.secrets)


@contextmanager
def _database(name: str) -> Iterator[Connection]:
    """Check that the database is reachable and migrated, and yield a connection to it in a transaction."""
    from diorama.preflight import check_database
    from diorama.wiring import build_engine

    settings = read_settings("database")
    check_database(settings)
    engine = build_engine(settings, name, pool_size=1)
    try:
        with engine.begin() as conn:
            yield conn
    finally:
        engine.dispose()


def main() -> None:
    """Run the command line."""
    app()
