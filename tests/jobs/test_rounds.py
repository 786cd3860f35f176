"""Rounds: each is made by one process of all, and a long one keeps no other lock's rounds waiting."""

from __future__ import annotations

import threading

from sqlalchemy import Engine

from jobs.rounds import HOUSEKEEPING, WATCHING, Round, Rounds, by_lock
from tests.eventually import eventually


def test_a_long_round_does_not_hold_up_those_of_another_lock(engine: Engine) -> None:
    over, made = threading.Event(), threading.Semaphore(0)
    rounds = [
        Round("long", 0.01, lambda: over.wait(20)),
        Round("short", 0.01, made.release, WATCHING),
    ]
    running = [Rounds(engine, group) for group in by_lock(rounds)]
    try:
        assert all(made.acquire(timeout=20) for _ in range(3))
        assert not over.is_set()
    finally:
        over.set()
        for each in running:
            each.close()


def test_of_several_processes_one_makes_the_rounds_until_it_ends(engine: Engine) -> None:
    by_first, by_second = threading.Event(), threading.Event()
    first = Rounds(engine, [Round("it", 0.01, by_first.set)])
    assert by_first.wait(20)
    second = Rounds(engine, [Round("it", 0.01, by_second.set)])
    by_first.clear()
    assert by_first.wait(20)
    assert not by_second.is_set()
    first.close()
    eventually(by_second.is_set)
    second.close()


def test_rounds_are_put_together_by_lock() -> None:
    sweep, watch, tidy = (Round(name, 1.0, list, lock) for name, lock in (("s", 1), ("w", 2), ("t", 1)))
    assert by_lock([sweep, watch, tidy]) == [[sweep, tidy], [watch]]
    assert HOUSEKEEPING != WATCHING
