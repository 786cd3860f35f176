"""A wrong photograph, theme, folder or server is reported in one line, as early as possible."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from diorama.cli import app
from diorama.demo.client import THEMES, ApiClient, Unreachable
from jobs.catalogue.themes import themes
from jobs.requesting.uploads import UPLOAD_BYTES_MAX
from tests.support.partners import partner
from tests.support.pictures import SAMPLE
from tests.support.serving import serving

ROOT = Path(__file__).parents[3]
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with pictures and other things, where no settings are."""
    (tmp_path / "large.jpg").write_bytes(b"\xff\xd8\xff")
    with (tmp_path / "large.jpg").open("r+b") as file:
        file.truncate(UPLOAD_BYTES_MAX + 1)
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    # A file that every user sees and no user can read, not even root.
    (tmp_path / "unreadable.jpg").symlink_to("/proc/self/mem")
    own = {**asdict(themes()["neon-city"]), "key": "steam-city"}
    (tmp_path / "themes.json").write_text(json.dumps([own]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THEMES_FILE", "themes.json")
    return tmp_path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def assert_ended(ended: Result, status: int, message: str) -> None:
    """Assert that a command ended with this status and this one line."""
    assert (ended.exit_code, ended.exception.__class__) == (status, SystemExit), ended.exception
    assert ended.stderr.startswith(f"diorama: {message}")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--selfie", "nosuch.jpg"], "nosuch.jpg: no such file; give a photograph (JPEG, PNG, WebP, HEIC or AVIF)."),
        (["--selfie", "notes.txt"], "notes.txt: this is not a picture; give a JPEG, PNG, WebP, HEIC or AVIF file."),
        (["--selfie", "unreadable.jpg"], "unreadable.jpg: this file cannot be read (Input/output error);"),
        (["--selfie", "x" * 300], f"{'x' * 300}: this file cannot be read (File name too long);"),
        (["--selfie", "large.jpg"], "large.jpg: this file is 20.0 MiB; the limit is 20 MiB,"),
        (["--theme", "nosuch"], "there is no theme 'nosuch'; choose one of enchanted-forest"),
        (["--theme", "steam-city", "--out", "notes.txt"], "notes.txt: this is not a folder;"),
        (["--out", "notes.txt/out"], "notes.txt: this is not a folder;"),
    ],
)
def test_bad_input_is_reported_before_any_part_of_the_demo_starts(arguments: list[str], message: str) -> None:
    assert_ended(run("demo", *arguments), 2, message)


def test_bad_input_is_reported_before_the_api_is_called() -> None:
    for arguments, message in (
        (["large.jpg"], "large.jpg: this file is 20.0 MiB;"),
        ([SAMPLE, "--out", "notes.txt"], "notes.txt: this is not a folder;"),
    ):
        assert_ended(run("generate", *arguments, "--api", NOWHERE, "--key", "x"), 2, message)


def test_a_server_that_is_down_is_reported(database_url: str) -> None:
    assert_ended(run("generate", SAMPLE, "--api", NOWHERE, "--key", "x"), 1, f"{NOWHERE} does not respond as a Diorama")
    # This API signs URLs of an object store that does not exist.
    with serving(database_url) as server:
        ended = run("generate", SAMPLE, "--api", server.url, "--key", partner(server, "acme").secret or "")
    assert_ended(ended, 1, "the object store at 127.0.0.1:9 does not respond (ConnectError).")


@pytest.mark.parametrize("end", ["", "/", "/graphql", "/graphql/"])
def test_the_api_is_found_at_the_address_that_up_prints(database_url: str, end: str) -> None:
    async def themes(url: str, key: str) -> Any:
        async with ApiClient(url, key) as client:
            return (await client.ask(THEMES))["themes"]

    with serving(database_url) as server:
        assert asyncio.run(themes(server.url + end, partner(server, "acme").secret or ""))


def test_an_object_store_that_goes_down_is_reported_at_the_download(here: Path) -> None:
    async def download() -> None:
        async with ApiClient(NOWHERE, "x") as client:
            await client.download(f"{NOWHERE}/video.mp4", here / "video.mp4")

    with pytest.raises(Unreachable, match=r"the object store at 127\.0\.0\.1:9 does not respond \(ConnectError\)"):
        asyncio.run(download())


def test_make_passes_names_on_unchanged(here: Path) -> None:
    python = here / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:])\n", encoding="utf-8")
    python.chmod(0o755)
    (here / ".installed").touch()
    given = {"SELFIE": 'mum\'s $HOME "best" $(x).jpg', "THEME": "it's"}
    made = subprocess.run(
        ["make", "--directory", ROOT, "demo", f"VENV={here}", *(f"{name}={value}" for name, value in given.items())],
        capture_output=True,
        text=True,
        check=True,
    )
    passed = ["-m", "diorama", "demo", f"--selfie={given['SELFIE']}", f"--theme={given['THEME']}"]
    assert str(passed) in made.stdout.splitlines()
