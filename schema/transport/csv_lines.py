"""CSV, as RFC 4180 has it, in lines that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable
from typing import Final

from starlette.responses import StreamingResponse

Rows = AsyncIterator[Iterable[object]]
"""The rows of a table, the names of the columns first."""

# A spreadsheet takes a cell that begins like this for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_response(rows: Rows, headers: dict[str, str] | None = None) -> StreamingResponse:
    """Return the response that sends a table as it is read."""
    return StreamingResponse(_lines(rows), headers=headers, media_type="text/csv; charset=utf-8")


async def _lines(rows: Rows) -> AsyncIterator[str]:
    async for row in rows:
        yield _line(row)


def _line(row: Iterable[object]) -> str:
    """Return one line; None is an empty cell."""
    written = io.StringIO()
    csv.writer(written).writerow([_cell(each) for each in row])
    return written.getvalue()


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
