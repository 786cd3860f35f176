"""Subscribers lose no event when hints, connections or servers are lost, or when they read slowly."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from websockets.exceptions import ConnectionClosed

from schema.transport.app import ApiSettings, Limits
from tests.schema.documents import CREATE_AVATAR, new_key
from tests.schema.live.subscribers import NEVER, all_of, follow, job_at, listeners, seqs, take
from tests.support.databases import unique_name
from tests.support.eventually import eventually, scaled
from tests.support.partners import (
    LAST_SEQ,
    TO_SUCCESS,
    move,
    notify,
    partner,
)
from tests.support.serving import Caller, Server, serving


def _listens_again(engine: Engine, before: list[int]) -> bool:
    return bool(set(listeners(engine)) - set(before))


def test_a_process_that_delivers_nothing_is_not_ready(hinted: Server) -> None:
    [listening] = [task for task in asyncio.all_tasks(hinted.loop) if task.get_name() == "hub-listen"]
    hinted.loop.call_soon_threadsafe(listening.cancel)
    eventually(lambda: httpx.get(f"{hinted.url}/readyz").status_code == 503)


def test_the_slow_poll_makes_up_for_lost_hints(patient: Server) -> None:
    caller, job_id = job_at(patient)
    with caller.socket() as socket:
        follow(socket, 1, jobId=job_id)
        move(patient.engine, job_id, *TO_SUCCESS, hint=False)
        assert seqs(take(socket, len(TO_SUCCESS))) == list(range(2, LAST_SEQ + 1))


def test_a_cut_listener_comes_back_and_reads_what_it_missed(alone: Server) -> None:
    caller, job_id = job_at(alone)
    with caller.socket() as socket:
        follow(socket, 1, jobId=job_id)
        for number, each in enumerate(TO_SUCCESS, 2):
            before = listeners(alone.engine)
            with alone.engine.begin() as conn:
                for pid in before:
                    conn.exec_driver_sql("SELECT pg_terminate_backend(%s)", (pid,))
            move(alone.engine, job_id, each)
            assert seqs(take(socket, 1)) == [number]
            eventually(partial(_listens_again, alone.engine, before))


def test_a_cut_pool_loses_no_event(patient: Server) -> None:
    caller, job_id = job_at(patient)
    with caller.socket() as socket:
        follow(socket, 1, jobId=job_id)
        for each in TO_SUCCESS:
            with patient.engine.begin() as conn:
                conn.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'api' AND pid <> pg_backend_pid()"
                )
            move(patient.engine, job_id, each, hint=False)
        assert seqs(take(socket, len(TO_SUCCESS))) == list(range(2, LAST_SEQ + 1))


def test_a_restart_closes_sockets_so_that_clients_continue_elsewhere(api_database: str) -> None:
    with serving(api_database) as first, serving(api_database) as second:
        caller, job_id = job_at(first)
        with caller.socket() as socket:
            [snapshot] = follow(socket, 1, jobId=job_id)
            move(first.engine, job_id, *TO_SUCCESS[:3])
            after = take(socket, 3)[-1]["cursor"]
            first.stop()
            with pytest.raises(ConnectionClosed) as closed:
                socket.receive()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        move(second.engine, job_id, *TO_SUCCESS[3:])
        rest = all_of(Caller(second, caller.secret), jobId=job_id, after=after)
        assert seqs(rest) == list(range(5, LAST_SEQ + 1))
        assert snapshot["isSnapshot"] is True


def test_a_mutation_that_waits_does_not_delay_the_stop(api_database: str) -> None:
    with serving(api_database) as server:
        caller = partner(server, unique_name("waiter"))
        given = {"selfieId": caller.asset(), "idempotencyKey": new_key(), "waitSeconds": 55}
        responses: list[dict[str, Any]] = []
        sender = threading.Thread(target=lambda: responses.append(caller.ask(CREATE_AVATAR, input=given)))
        sender.start()
        eventually(lambda: caller.ask("{ jobs(first: 1) { edges { cursor } } }")["jobs"]["edges"] != [])
        server.stop()
        sender.join(scaled(5))
        assert responses[0]["createAvatar"]["job"]["state"] == "QUEUED"


def test_a_reader_that_cannot_keep_up_learns_how_many_ticks_were_skipped(api_database: str) -> None:
    limits = replace(Limits(), buffer_size=2)
    with serving(api_database, ApiSettings(limits=limits, poll_every=NEVER)) as server:
        caller, job_id = job_at(server)
        with caller.socket() as socket:
            follow(socket, 1, jobId=job_id)
            ticks = [TO_SUCCESS[2]] * 20
            move(server.engine, job_id, *TO_SUCCESS[:2], *ticks, *TO_SUCCESS[4:], hint=False)
            notify(server.engine, "*")
            messages: list[dict[str, Any]] = []
            while not messages or not messages[-1]["isFinal"]:
                messages += take(socket, 1)
        changes = [each["event"]["event"] for each in messages if each["event"]["event"] != "STILL_RUNNING"]
        assert changes == ["SUBMIT_STARTED", "ACCEPTED", *(each.event.upper() for each in TO_SUCCESS[4:])]
        assert len(messages) + sum(each["skipped"] for each in messages) == len(TO_SUCCESS) + 18
        assert sum(each["skipped"] for each in messages) > 0
