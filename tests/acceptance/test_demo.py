"""The demo, run as a user runs it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from diorama.embedded import EmbeddedS3
from jobs.media import probe_video
from simulator.serve import Background
from simulator.settings import SimulatorSettings
from storage import S3Store
from tests.support.eventually import eventually, scaled
from tests.support.simulator_control import SimulatorControl

pytestmark = pytest.mark.system

LAST_LINE = re.compile(r"(\S+/video\.mp4) 1920x1080 30 fps 6\.0 s h264 in [\d.]+ s")


def start(*arguments: str, scratch: Path, out: Path, **configured: str) -> subprocess.Popen[str]:
    """Start a demo whose temporary files are in `scratch`, in a process group of its own as a shell would."""
    scratch.mkdir()
    # Settings of this machine are removed: the demo starts every part that is not configured.
    own = ("DATABASE_URL", "S3_", "REPLICATE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return subprocess.Popen(
        [sys.executable, "-m", "diorama", "demo", "--out", str(out), *arguments],
        # A folder without a `.env` file.
        cwd=scratch.parent,
        env={**environment, "TMPDIR": str(scratch), **configured},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def left_behind(scratch: Path) -> list[str]:
    """Return the processes whose command line or environment names the demo's temporary folder."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            with suppress(OSError):
                words = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
                if str(scratch).encode() in words:
                    found.append((process / "cmdline").read_bytes().decode(errors="replace"))
    return found


@pytest.fixture
def usual_ports_taken() -> Iterator[None]:
    """Occupy the usual ports of Postgres, the API and the object store."""
    with ExitStack() as listeners:
        for port in (5432, 8000, 9000, 8333):
            with suppress(OSError):  # already taken by another program
                listeners.enter_context(socket.create_server(("127.0.0.1", port)))
        yield


def assert_finished(demo: subprocess.Popen[str], scratch: Path, files: Path) -> None:
    """Wait for a demo to end, and assert that it left the files that its last line names, and nothing else."""
    out, errors = demo.communicate(timeout=scaled(110))
    assert demo.returncode == 0, errors
    match = LAST_LINE.fullmatch(out.splitlines()[-1])
    assert match is not None, out
    assert Path(match.group(1)) == files / "video.mp4"
    assert {"avatar.png", "scene.png", "video.mp4", "poster.webp"} == {path.name for path in files.iterdir()}
    assert probe_video(files / "video.mp4").frames == 180
    assert_nothing_is_left(scratch)


def assert_nothing_is_left(scratch: Path) -> None:
    """Assert that no process and no file of a demo remains."""
    eventually(lambda: left_behind(scratch) == [], within_s=5.0)
    assert list(scratch.iterdir()) == []


def interrupt(demo: subprocess.Popen[str], number: signal.Signals) -> None:
    """Interrupt a demo as soon as its parts are up, and wait for it to end."""
    assert demo.stderr is not None
    while "Ready after" not in demo.stderr.readline():
        assert demo.poll() is None
    os.killpg(demo.pid, number)
    demo.communicate(timeout=scaled(30))
    assert demo.returncode == 130


@pytest.mark.media
def test_a_demo_leaves_only_its_files_while_another_is_interrupted(usual_ports_taken: None, tmp_path: Path) -> None:
    whole = start(scratch=tmp_path / "tmp", out=tmp_path / "out")
    other = start(scratch=tmp_path / "tmp-other", out=tmp_path / "out-other")
    interrupt(other, signal.SIGINT)
    assert_nothing_is_left(tmp_path / "tmp-other")
    assert_finished(whole, tmp_path / "tmp", tmp_path / "out")


@pytest.mark.thorough
def test_two_demos_at_once_each_leave_only_their_files(usual_ports_taken: None, tmp_path: Path) -> None:
    demos = [start(scratch=tmp_path / f"tmp{n}", out=tmp_path / f"out{n}") for n in (1, 2)]
    for number, demo in enumerate(demos, start=1):
        assert_finished(demo, tmp_path / f"tmp{number}", tmp_path / f"out{number}")


def test_a_configured_part_is_used_instead_of_the_embedded_one(
    engine: Engine, database_url: str, s3_server: EmbeddedS3, store: S3Store, tmp_path: Path
) -> None:
    with Background(SimulatorSettings(speed=200, canned=True)) as provider:
        demo = start(
            scratch=tmp_path / "tmp",
            out=tmp_path / "out",
            DATABASE_URL=database_url,
            S3_ENDPOINT_URL=s3_server.endpoint_url,
            S3_BUCKET=s3_server.bucket,
            S3_ACCESS_KEY_ID=s3_server.access_key_id,
            S3_SECRET_ACCESS_KEY=s3_server.secret_access_key,
            REPLICATE_BASE_URL=provider.api_url,
            REPLICATE_API_TOKEN="r8_mine",
            REPLICATE_DELIVERY_HOSTS=provider.delivery_url.removeprefix("http://"),
            OPENAI_API_KEY="sk-mine",
        )
        out, errors = demo.communicate(timeout=scaled(110))
        assert demo.returncode == 0, errors
        assert LAST_LINE.fullmatch(out.splitlines()[-1]) is not None, out
        bill = SimulatorControl(provider.api_url).bill()
        assert bill["creates"] == 3
    with engine.connect() as conn:
        states = conn.scalars(text("SELECT state FROM jobs")).all()
    assert states == ["succeeded"] * 3
    assert len([found for found in store.list("jobs/") if found.key.endswith("video.mp4")]) == 1


@pytest.mark.thorough
def test_a_terminated_demo_stops_everything(tmp_path: Path) -> None:
    demo = start(scratch=tmp_path / "tmp", out=tmp_path / "out")
    interrupt(demo, signal.SIGTERM)
    assert_nothing_is_left(tmp_path / "tmp")


def test_a_killed_demo_takes_its_servers_with_it(tmp_path: Path) -> None:
    """No process is left to stop them, so the kernel does."""
    scratch = tmp_path / "tmp"
    demo = start(scratch=scratch, out=tmp_path / "out")
    assert demo.stderr is not None
    while "Ready after" not in demo.stderr.readline():
        assert demo.poll() is None
    os.kill(demo.pid, signal.SIGKILL)
    demo.communicate(timeout=scaled(30))
    eventually(lambda: left_behind(scratch) == [], within_s=10.0)


BAD_INPUT = {
    ("--selfie", "nosuch.jpg"): "nosuch.jpg: no such file",
    ("--selfie", __file__): "this is not a picture; give a JPEG, PNG, WebP, HEIC or AVIF file",
    ("--theme", "nosuch"): "there is no theme 'nosuch'; choose one of enchanted-forest",
}


@pytest.mark.parametrize(("arguments", "message"), BAD_INPUT.items(), ids=lambda value: "")
def test_bad_input_is_reported_in_one_line_before_anything_starts(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    demo = start(*arguments, scratch=tmp_path / "tmp", out=tmp_path / "out")
    _, errors = demo.communicate(timeout=scaled(30))
    assert demo.returncode == 2
    assert len(errors.splitlines()) == 1
    assert message in errors
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.thorough
def test_an_unreadable_picture_is_reported_and_nothing_is_left(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 this is no JPEG")
    demo = start("--selfie", str(broken), scratch=tmp_path / "tmp", out=tmp_path / "out")
    _, errors = demo.communicate(timeout=scaled(60))
    assert demo.returncode == 2
    assert f"{broken}: " in errors.splitlines()[-1]
    assert left_behind(tmp_path / "tmp") == []
