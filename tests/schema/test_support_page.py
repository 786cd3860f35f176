"""The examples of the page for support work as they stand, one after the other, on a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import text

from schema.ids import IdKind, decode_id, encode_id
from tests.schema.credits import charged, selfie
from tests.schema.documents import make_avatar
from tests.support.databases import unique_name
from tests.support.partners import TO_OUTAGE, Partner, move, partner

PAGE = Path(__file__).parents[2] / "docs" / "support.md"


def _examples(named: dict[str, str]) -> list[str]:
    """Return the page's examples, with real ids and names in place of the shown ones."""
    text = PAGE.read_text(encoding="utf-8")
    for shown, real in named.items():
        text = text.replace(f'"{shown}"', f'"{real}"')
    return re.findall(r"```graphql\n(.*?)```", text, re.DOTALL)


def _refusals(value: Any) -> Iterator[Any]:
    """Yield the user errors in a response, and pages without items: an example shows what it is about."""
    for name, below in value.items():
        if name == "userErrors":
            yield from below
        elif isinstance(below, dict):
            yield from [name] if below.get("edges") == [] else _refusals(below)


def test_every_example_works(acme: Partner, support: Partner) -> None:
    ada = acme.user("ada")
    failed = make_avatar(ada, selfie(acme, ada))
    move(acme.server.engine, failed, *TO_OUTAGE)
    with acme.server.engine.begin() as conn:
        row = {"id": decode_id(failed, IdKind.JOB), "request": "order-1234-5678"}
        conn.execute(text("UPDATE job_requests SET request_id = :request WHERE job_id = :id"), row)
    colleague = partner(acme.server, unique_name("colleague"), role="agent").principal.key
    assert colleague is not None
    named = {
        "0190c8a0-…": str(decode_id(failed, IdKind.JOB)),
        "acme": acme.account,
        "asset_…": selfie(acme, ada),
        "account_…": encode_id(IdKind.ACCOUNT, acme.principal.account_id),
        "job_01k…": failed,
        "key_…": encode_id(IdKind.API_KEY, colleague.id),
        "job_01m…": charged(acme, ada),
    }
    examples = _examples(named)
    assert len(examples) > 3
    for example in examples:
        assert "…" not in example
        assert list(_refusals(support.ask(example))) == [], example
