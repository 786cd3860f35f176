"""Commands say in one line which setting is wrong, before they do anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from diorama.cli import app


@pytest.mark.parametrize("command", ["key acme", "grant acme 3", "limit acme 3", "migrate"])
@pytest.mark.parametrize("url", ["nonsense", "postgresql://u:hushhush@127.0.0.1:9/x"])
def test_a_database_that_is_named_wrong_is_told_in_one_line(
    command: str, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"DATABASE_URL": url, "REPLICATE_API_TOKEN": "r8_x"}
    store = dict.fromkeys(("S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"), "x")
    ended = CliRunner().invoke(app, command.split(), env={**given, **store})
    assert ended.exit_code == 2
    assert ended.stderr.startswith("diorama: DATABASE_URL is wrong")
    assert len(ended.stderr.splitlines()) == 1
    assert "hushhush" not in ended.stderr


def test_a_database_that_is_not_migrated_is_told_by_the_commands_that_write(
    new_database: Callable[[str | None], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(app, ["key", "acme"], env={"DATABASE_URL": new_database(None)})
    assert ended.exit_code == 2
    assert ended.stderr.endswith("run `diorama migrate`\n")
