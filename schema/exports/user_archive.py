"""All that is kept of one end user, as one archive: for the user's right of access."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Connection

from db.paging import Page, Window
from db.records.accounts import session_page
from db.records.assets import Asset, AssetFilter, asset_page
from db.records.jobs import JobFilter, JobOrder, job_page
from db.records.ledger import EntryFilter, WalletKey, entry_page
from db.records.requests import key_page
from db.records.stories import StoryFilter, story_page
from db.scope import Scope
from schema.context import Parts
from schema.exports import user_records
from schema.exports.archive import Archive
from schema.exports.pages import pages
from storage import ObjectMissing

_README = """\
This is what is kept of one user.

user.json            the name under which the user is known here, the credits, and when this was written
sessions.jsonl       the sessions that were opened for the user; tokens are kept only as digests, and are not in it
stories.jsonl        the stories that the user requested
jobs.jsonl           each picture and video that was requested, with all words that the user gave, and what became of it
history.jsonl        what happened to those jobs, one event a line
files.jsonl          the pictures and videos, with the names that they have in the folder files/
credits.jsonl        what was done to the user's credits
requests.jsonl       the keys under which requests were sent, so that none was carried out twice

A .jsonl file has one JSON object a line. In files.jsonl, `"file": null` is a file that is not kept (any more). One that
it names and that is not in files/ was removed while this was written.
Not in it: the smaller copies of the files, and what the work cost us.
"""


@dataclass(frozen=True, slots=True)
class _Table:
    """One file of the archive: what it lists, the place of an item, and what is written of it."""

    name: str
    read: Callable[[Connection, Window], Page[Any]]
    key: Callable[[Any], tuple[Any, ...]]
    written: Callable[[Any], dict[str, Any]]


def _tables(who: WalletKey, scope: Scope) -> tuple[_Table, ...]:
    def by_id(row: Any) -> tuple[Any, ...]:
        return (row.id,)

    def sessions(conn: Connection, window: Window) -> Page[Any]:
        return session_page(conn, scope, None, window)

    def stories(conn: Connection, window: Window) -> Page[Any]:
        return story_page(conn, scope, StoryFilter(), window)

    def credits(conn: Connection, window: Window) -> Page[Any]:
        return entry_page(conn, scope, EntryFilter(), window)

    def requests(conn: Connection, window: Window) -> Page[Any]:
        return key_page(conn, who.account_id, who.user_ref, window)

    return (
        _Table("sessions", sessions, by_id, user_records.session),
        _Table("stories", stories, by_id, user_records.story),
        _Table("jobs", partial(_jobs, scope), by_id, user_records.job),
        _Table("credits", credits, by_id, user_records.credit_entry),
        _Table("files", partial(_assets, scope), by_id, user_records.asset),
        _Table("requests", requests, lambda use: (use.operation, use.key), user_records.use_of_key),
    )


def _jobs(scope: Scope, conn: Connection, window: Window) -> Page[Any]:
    return job_page(conn, scope, JobFilter(), JobOrder.NEWEST, window)


async def user_archive(parts: Parts, who: WalletKey) -> AsyncIterator[bytes]:
    """Yield the archive of an end user, whom the caller may see, as it is read."""
    archive, scope = Archive(), Scope(who.account_id, who.user_ref)
    _write(archive, "README.txt", _README.encode())
    _write(archive, "user.json", orjson.dumps(await parts.database.read(user_records.user, who)))
    for table in _tables(who, scope):
        items = _items(parts, table)
        async for piece in _lines(archive, f"{table.name}.jsonl", items):
            yield piece
    async for piece in _lines(archive, "history.jsonl", _history(parts, scope)):
        yield piece
    async for piece in _files(parts, archive, scope):
        yield piece
    yield archive.end()


def _write(archive: Archive, name: str, content: bytes) -> None:
    with archive.entry(name) as entry:
        entry.write(content)


async def _lines(archive: Archive, name: str, items: AsyncIterator[list[dict[str, Any]]]) -> AsyncIterator[bytes]:
    with archive.entry(name) as entry:
        async for page in items:
            entry.write(b"".join(orjson.dumps(each) + b"\n" for each in page))
            yield archive.take()


async def _items(parts: Parts, table: _Table) -> AsyncIterator[list[dict[str, Any]]]:
    async for page in pages(parts.database, table.read, table.key):
        yield [table.written(each) for each in page]


async def _history(parts: Parts, scope: Scope) -> AsyncIterator[list[dict[str, Any]]]:
    async for found in pages(parts.database, partial(_jobs, scope), lambda job: (job.id,)):
        for job in found:
            read = partial(user_records.events_of, job.id)
            async for events in pages(parts.database, read, lambda event: (event.seq,)):
                yield [user_records.event(each) for each in events]


async def _files(parts: Parts, archive: Archive, scope: Scope) -> AsyncIterator[bytes]:
    async for page in pages(parts.database, partial(_assets, scope), lambda asset: (asset.id,)):
        for asset in page:
            async for piece in _file(archive, asset, parts.runtime.store.read_in_parts(asset.object_key)):
                yield piece


async def _file(archive: Archive, asset: Asset, content: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield a file in parts, each read when the one before was sent; nothing if it is not kept.

    If it is deleted between two parts, the whole download breaks off: it must not look like a complete file.
    """
    name = user_records.file_name(asset)
    part = None
    with suppress(ObjectMissing):
        part = await _next(content) if name else None
    if name is None or part is None:
        return
    with archive.entry(name, size_bytes=asset.size_bytes) as entry:
        while part is not None:
            entry.write(part)
            yield archive.take()
            part = await _next(content)


async def _next(content: Iterator[bytes]) -> bytes | None:
    return await asyncio.to_thread(next, content, None)


def _assets(scope: Scope, conn: Connection, window: Window) -> Page[Asset]:
    return asset_page(conn, scope, AssetFilter(), window)
