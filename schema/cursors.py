"""Cursors: opaque, versioned and valid on any server, because they contain a position and nothing else.

A cursor is base64url of a version byte, a kind byte, the payload, and a checksum that tells a mangled cursor from a
true one. It carries no rights: what it points at is read under the caller's own scope.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID
from zlib import crc32

from db.records.jobs import JobOrder

_VERSION = 1
_JOB, _STORY, _ID_KEY, _FINISHED_KEY, _ENTRY, _ACTION, _ACTIVITY, _BATCH, _USER = 1, 2, 3, 4, 5, 6, 7, 8, 9
_SEEN = struct.Struct(">16sI")
_KEY_OF_FINISHED = struct.Struct(">q16s")
_ENTRY_KEY = struct.Struct(">q")
_PLACE = struct.Struct(">16sq")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MalformedCursor(ValueError):
    """The text is not a cursor, or belongs to another list."""


def _seal(kind: int, payload: bytes) -> str:
    body = bytes((_VERSION, kind)) + payload
    return urlsafe_b64encode(body + crc32(body).to_bytes(4, "big")).rstrip(b"=").decode()


def _unseal(text: str) -> tuple[int, bytes]:
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        raw = b""
    body, checksum = raw[:-4], raw[-4:]
    if len(body) < 2 or crc32(body).to_bytes(4, "big") != checksum or body[0] != _VERSION or _again(raw) != text:
        raise MalformedCursor("This is not a cursor of this API: pass cursors exactly as you received them.")
    return body[1], body[2:]


def _again(raw: bytes) -> str:
    # The decoder skips characters that it does not know; a true cursor has none.
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@lru_cache(maxsize=1024)
def job_cursor(job_id: UUID, seq: int) -> str:
    """Return the cursor after the event `seq` of a job."""
    return _seal(_JOB, _SEEN.pack(job_id.bytes, seq))


def story_cursor(story_id: UUID, seen: Mapping[UUID, int]) -> str:
    """Return the cursor after the events `seen` of a story's jobs."""
    return _seal(_STORY, story_id.bytes + b"".join(_SEEN.pack(job_id.bytes, seq) for job_id, seq in seen.items()))


def read_job_cursor(text: str, job_id: UUID) -> int:
    """Return the sequence number of a cursor of this job; raise MalformedCursor for anything else."""
    kind, payload = _unseal(text)
    if kind != _JOB or len(payload) != _SEEN.size or payload[:16] != job_id.bytes:
        raise MalformedCursor("This cursor does not belong to this job.")
    return int(_SEEN.unpack(payload)[1])


def read_story_cursor(text: str, story_id: UUID) -> dict[UUID, int]:
    """Return the sequence numbers of a cursor of this story; raise MalformedCursor for anything else."""
    kind, payload = _unseal(text)
    if kind != _STORY or len(payload) % _SEEN.size != 16 or payload[:16] != story_id.bytes:
        raise MalformedCursor("This cursor does not belong to this story.")
    return {UUID(bytes=raw): seq for raw, seq in _SEEN.iter_unpack(payload[16:])}


def batch_cursor(batch_id: UUID, seen: Iterable[int]) -> str:
    """Return the cursor after the events `seen` of a batch's jobs, in their order.

    A batch may have hundreds of jobs, so their ids are left out and small numbers take one byte (LEB128).
    """
    return _seal(_BATCH, batch_id.bytes + b"".join(_packed(seq) for seq in seen))


def read_batch_cursor(text: str, batch_id: UUID) -> list[int]:
    """Return the sequence numbers of a cursor of this batch; raise MalformedCursor for anything else."""
    kind, payload = _unseal(text)
    if kind != _BATCH or payload[:16] != batch_id.bytes:
        raise MalformedCursor("This cursor does not belong to this batch.")
    return _unpacked(payload[16:])


def _packed(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes((low | 0x80,)) + _packed(rest) if rest else bytes((low,))


def _unpacked(payload: bytes) -> list[int]:
    numbers, number, shift = list[int](), 0, 0
    for byte in payload:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            numbers.append(number)
            number, shift = 0, 0
    return numbers


def page_cursor(order: JobOrder, key: tuple[Any, ...]) -> str:
    """Return the cursor of a row in a list of this order."""
    if order is JobOrder.RECENTLY_FINISHED:
        finished_at, row_id = key
        return _seal(_FINISHED_KEY, _KEY_OF_FINISHED.pack((finished_at - _EPOCH) // _MICROSECOND, row_id.bytes))
    return _seal(_ID_KEY, key[0].bytes)


def read_page_cursor(order: JobOrder, text: str) -> tuple[Any, ...]:
    """Return the key of a cursor of `page_cursor`; raise MalformedCursor for anything else, another order's too."""
    kind, payload = _unseal(text)
    finished = order is JobOrder.RECENTLY_FINISHED
    if kind != (_FINISHED_KEY if finished else _ID_KEY) or len(payload) != (_KEY_OF_FINISHED.size if finished else 16):
        raise MalformedCursor("This cursor belongs to another list or another order.")
    if not finished:
        return (UUID(bytes=payload),)
    microseconds, raw = _KEY_OF_FINISHED.unpack(payload)
    try:
        return (_EPOCH + microseconds * _MICROSECOND, UUID(bytes=raw))
    except OverflowError:
        raise MalformedCursor("This cursor points at an impossible time.") from None


def id_cursor(row_id: UUID) -> str:
    """Return the cursor of a row in a list that is in the order of its ids."""
    return page_cursor(JobOrder.NEWEST, (row_id,))


def read_id_cursor(text: str) -> tuple[Any, ...]:
    """Return the key of a cursor of `id_cursor`; raise MalformedCursor for anything else."""
    return read_page_cursor(JobOrder.NEWEST, text)


def entry_cursor(entry_id: int) -> str:
    """Return the cursor of an entry of the ledger."""
    return _seal(_ENTRY, _ENTRY_KEY.pack(entry_id))


def read_entry_cursor(text: str) -> tuple[int]:
    """Return the key of a cursor of `entry_cursor`; raise MalformedCursor for anything else."""
    kind, payload = _unseal(text)
    if kind != _ENTRY or len(payload) != _ENTRY_KEY.size:
        raise MalformedCursor("This cursor belongs to another list.")
    return (_ENTRY_KEY.unpack(payload)[0],)


def action_cursor(job_id: UUID, cycle: int, action: str) -> str:
    """Return the cursor of a compensating action."""
    return _seal(_ACTION, _SEEN.pack(job_id.bytes, cycle) + action.encode())


def read_action_cursor(text: str) -> tuple[UUID, int, str]:
    """Return the key of a cursor of `action_cursor`; raise MalformedCursor for anything else."""
    kind, payload = _unseal(text)
    if kind != _ACTION or len(payload) <= _SEEN.size or b"\0" in payload[_SEEN.size :]:
        raise MalformedCursor("This cursor belongs to another list.")
    raw, cycle = _SEEN.unpack(payload[: _SEEN.size])
    return UUID(bytes=raw), cycle, payload[_SEEN.size :].decode("ascii", "replace")


_MICROSECOND = timedelta(microseconds=1)


def activity_cursor(account_id: UUID, position: int) -> str:
    """Return the cursor after a position of an account's activity."""
    return _seal(_ACTIVITY, _PLACE.pack(account_id.bytes, position))


def read_activity_cursor(text: str, account_id: UUID) -> int:
    """Return the position of a cursor of this account's activity; raise MalformedCursor for anything else."""
    kind, payload = _unseal(text)
    if kind != _ACTIVITY or len(payload) != _PLACE.size or payload[:16] != account_id.bytes:
        raise MalformedCursor("This cursor does not belong to your account's activity.")
    return int(_PLACE.unpack(payload)[1])


def user_cursor(user_ref: str) -> str:
    """Return the cursor of a wallet in a list that is in the order of its users."""
    return _seal(_USER, user_ref.encode())


def read_user_cursor(text: str) -> str:
    """Return the user of a cursor of `user_cursor`; raise MalformedCursor for anything else."""
    kind, payload = _unseal(text)
    if kind != _USER or b"\0" in payload:
        raise MalformedCursor("This cursor belongs to another list.")
    return payload.decode("utf-8", "replace")
