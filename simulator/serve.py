"""Runs the two listeners: as a program until a signal stops it, or in a thread of a test."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import uvicorn

from simulator.api.routes import api_app
from simulator.date_header import with_date
from simulator.delivery import delivery_app
from simulator.media import Studio
from simulator.protocol import ResettableProtocol
from simulator.settings import Addresses, SimulatorSettings
from simulator.simulation import Simulation
from simulator.sketch import Sketch

Ready = Callable[[Addresses], None]
logger = logging.getLogger(__name__)
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 1


class StudioMissing(RuntimeError):
    """The packages of the extra `studio`, which draw the outputs, are not installed."""

    def __init__(self, module: str) -> None:
        super().__init__(f"drawing needs {module}: pip install 'diorama[studio]', or start with --canned")


class _Listener(uvicorn.Server):
    """A Uvicorn server that leaves signals to its caller and sets an event once it listens."""

    def __init__(self, app: Any, opened: socket.socket, settings: SimulatorSettings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=ResettableProtocol,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                ssl_certfile=settings.tls_cert_file,
                ssl_keyfile=settings.tls_key_file,
                timeout_graceful_shutdown=STOP_TIMEOUT_S,
                backlog=2048,
            )
        )
        self.opened = opened
        self.listens = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals: two servers share this process."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    async def run_until_stopped(self) -> None:
        """Serve on the opened socket."""
        await self.serve([self.opened])


async def serve(
    settings: SimulatorSettings,
    stop: asyncio.Event,
    ready: Callable[[Simulation], None],
    studio: Studio | None = None,
) -> None:
    """Serve until `stop` is set; `ready` is called once both listeners accept connections.

    Raises OSError if a port is taken.
    """
    with _open(settings.host, settings.port) as api, _open(settings.host, settings.delivery_port) as delivery:
        sim = Simulation(settings, _addresses(settings, api, delivery), studio or studio_for(settings))
        listeners = [
            _Listener(with_date(api_app(sim), sim.clock), api, settings),
            _Listener(with_date(delivery_app(sim), sim.clock), delivery, settings),
        ]
        serving = [asyncio.create_task(listener.run_until_stopped()) for listener in listeners]
        for listener in listeners:
            await listener.listens.wait()
        ready(sim)
        await stop.wait()
        for listener in listeners:
            listener.should_exit = True
        await asyncio.gather(*serving)
        await sim.close()


def run(settings: SimulatorSettings, ready: Ready | None = None) -> None:
    """Serve in this thread until SIGTERM or SIGINT; `ready` gets the addresses once both listeners accept."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve_until_signal(settings, ready))


async def _serve_until_signal(settings: SimulatorSettings, ready: Ready | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(settings, stop, lambda sim: ready(sim.addresses) if ready else None)


class Background:
    """Both listeners in a thread of this process, for tests: `with Background(settings) as simulator: ...`.

    `state` may be read from outside; it must not be changed, because it belongs to the thread's event loop (`call`
    runs a function there).
    """

    def __init__(self, settings: SimulatorSettings | None = None, studio: Studio | None = None) -> None:
        self.settings = settings or SimulatorSettings()
        self.studio = studio
        self.state: Simulation
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._thread = threading.Thread(target=self._main, name="simulator", daemon=True)

    def __enter__(self) -> Background:
        self._thread.start()
        if not self._ready.wait(START_TIMEOUT_S):
            raise TimeoutError(f"the simulator did not listen within {START_TIMEOUT_S} s")
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def api_url(self) -> str:
        """The URL of the API, without `/v1`."""
        return self.state.addresses.api

    @property
    def delivery_url(self) -> str:
        """The URL of the output files."""
        return self.state.addresses.delivery

    def call(self, function: Callable[[Simulation], Any]) -> Any:
        """Run a function on the simulator's own loop and return its result."""

        async def there() -> Any:
            return function(self.state)

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result(START_TIMEOUT_S)

    def _main(self) -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(self._serve())
        except BaseException as failure:
            self._failure = failure
            if self._ready.is_set():
                raise
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        await serve(self.settings, self._stop, self._listening, self.studio)

    def _listening(self, sim: Simulation) -> None:
        self.state = sim
        self._ready.set()


def studio_for(settings: SimulatorSettings) -> Studio:
    """Return the default studio: the real one, or the plainest if media are canned."""
    if settings.media_is_canned:
        return Sketch()
    # Imported late, because drawing loads a few big libraries.
    try:
        from simulator import studio
    except ModuleNotFoundError as missing:
        raise StudioMissing(str(missing.name)) from None
    return studio


def _open(host: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
    except OSError as taken:
        opened.close()
        raise OSError(taken.errno, f"cannot listen on {host}:{port}: {taken.strerror}") from taken
    return opened


def _addresses(settings: SimulatorSettings, api: socket.socket, delivery: socket.socket) -> Addresses:
    return Addresses(
        api=(settings.public_api_url or _url(settings, api)).rstrip("/"),
        delivery=(settings.public_delivery_url or _url(settings, delivery)).rstrip("/"),
    )


def _url(settings: SimulatorSettings, opened: socket.socket) -> str:
    name = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{settings.scheme}://{name}:{opened.getsockname()[1]}"


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory if it is installed, or None for asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
