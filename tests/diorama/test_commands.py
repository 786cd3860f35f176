"""Commands report a wrong setting or number in one line, before they do anything."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from db.records.accounts import digest
from db.records.api_keys import fingerprint
from diorama.cli import app
from diorama.embedded import EmbeddedS3
from jobs.api_keys import issue_api_key
from jobs.identity import authenticate


@pytest.mark.parametrize("command", ["key acme", "grant acme 3", "limit acme 3", "revoke acme", "migrate"])
@pytest.mark.parametrize("url", ["nonsense", "postgresql://u:hushhush@127.0.0.1:9/x"])
def test_a_wrong_database_url_is_reported_in_one_line(
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


def test_commands_that_write_report_a_database_that_is_not_migrated(
    new_database: Callable[[str | None], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(app, ["key", "acme"], env={"DATABASE_URL": new_database(None)})
    assert ended.exit_code == 2
    assert ended.stderr.endswith("run `diorama migrate`\n")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("grant acme 99999999999999999999", "amount must be from 1 to 1000000000."),
        ("grant acme 0", "amount must be from 1 to 1000000000."),
        ("limit acme 99999999999", "jobs must be from 1 to 2147483647, or 0 for no limit."),
        ("grant stranger 1", "there is no account 'stranger': `diorama key` creates one."),
    ],
)
def test_a_number_out_of_range_is_reported_with_the_range(
    command: str, message: str, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(app, command.split(), env={"DATABASE_URL": database_url})
    assert (ended.exit_code, ended.stderr) == (2, f"diorama: {message}\n")


def test_an_address_that_cannot_be_listened_on_is_reported_with_the_choices(
    database_url: str, s3_server: EmbeddedS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    store = {
        "S3_ENDPOINT_URL": s3_server.endpoint_url,
        "S3_BUCKET": s3_server.bucket,
        "S3_ACCESS_KEY_ID": s3_server.access_key_id,
        "S3_SECRET_ACCESS_KEY": s3_server.secret_access_key,
    }
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        wrong = {
            f"PORT is wrong: another program listens on 127.0.0.1:{port}": {"PORT": port},
            "HOST is wrong: 203.0.113.7 is not an IPv4 address": {"HOST": "203.0.113.7"},
            "HOST is wrong: nosuch.invalid is not an IPv4 address": {"HOST": "nosuch.invalid"},
        }
        for message, given in wrong.items():
            ended = CliRunner().invoke(app, ["serve"], env={"DATABASE_URL": database_url, **store, **given})
            assert ended.exit_code == 2
            assert ended.stderr.startswith(f"diorama: {message}")
            assert len(ended.stderr.splitlines()) == 1


def test_a_key_is_revoked_by_name_by_fingerprint_or_by_itself(
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with engine.begin() as conn:
        names = ("acme", "acme", "acme", "rival")
        secrets = [issue_api_key(conn, name, role="partner", key_name=name) for name in names]
    prints = [fingerprint(digest(secret)) for secret in secrets]

    def revoke(key: str) -> str:
        ended = CliRunner().invoke(app, ["revoke", key], env={"DATABASE_URL": database_url})
        assert len(ended.output.splitlines()) == 1
        assert ended.exit_code == (2 if ended.stderr else 0)
        return ended.output

    printed = revoke("stranger")
    assert printed.startswith("diorama: there is no API key 'stranger'; there are ")
    assert all(f"{each} ({name}, partner)" in printed for each, name in zip(prints, names, strict=True))
    assert all(each in revoke("acme") for each in prints[:3])
    assert revoke(prints[0]) == f"{prints[0]} (acme, partner) is revoked\n"
    assert revoke(secrets[1]) == f"{prints[1]} (acme, partner) is revoked\n"
    assert revoke("acme") == f"{prints[2]} (acme, partner) is revoked\n"
    printed = revoke(secrets[1])
    assert printed.startswith("diorama: there is no API key")
    assert secrets[1] not in printed
    with engine.connect() as conn:
        assert [authenticate(conn, secret) is not None for secret in secrets] == [False, False, False, True]
