"""The one thread that starts all child processes.

The kernel sends the parent-death signal when the *thread* that started the child ends, not when the process does.
Servers are often started in parallel on short-lived threads, so a thread that lasts starts all of them.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
Work = tuple[Callable[[], Any], "Future[Any]"]


def run_on_lasting_thread(work: Callable[[], T]) -> T:
    """Run `work` on a thread that lasts as long as this process; return its result, or raise its exception."""
    result: Future[T] = Future()
    _work_queue().put((work, result))
    return result.result()


@cache
def _work_queue() -> queue.SimpleQueue[Work]:
    works: queue.SimpleQueue[Work] = queue.SimpleQueue()
    threading.Thread(target=_serve, args=(works,), name="spawner", daemon=True).start()
    return works


def _serve(works: queue.SimpleQueue[Work]) -> None:
    while True:
        work, result = works.get()
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed to the caller, whose error it is
            result.set_exception(error)
