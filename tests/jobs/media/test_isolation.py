"""A child's parent gets a verdict on the file or an interruption, and no child outlives its call."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from jobs.media import ChildLimits, MediaError, MediaInterrupted, MediaTimeout, TooLarge
from jobs.media.errors import NOT_PROCESSED
from jobs.media.isolation import CODE, run_isolated
from jobs.media.limits import MIB
from tests.support.eventually import eventually

# The wall-clock limit is for a machine that stands still for seconds; tests of it set their own.
LIMITS = ChildLimits(wall_s=120, cpu_s=10, memory_bytes=512 * MIB, file_bytes=MIB)


def run(program: str, limits: ChildLimits = LIMITS, on_progress: Callable[[float], None] | None = None) -> object:
    """Run a child made of Python text instead of the real one. It finds the request in `request`."""
    head = "import sys, os, json, time, signal\nrequest = json.load(sys.stdin)\n"
    command = (sys.executable, "-c", head + textwrap.dedent(program))
    return run_isolated("any", Path("in"), Path("out"), {}, limits=limits, on_progress=on_progress, command=command)


def run_confined(program: str, limits: ChildLimits = LIMITS) -> object:
    """Run the real child with one operation exchanged for `program`, which becomes the body of a function."""
    body = textwrap.indent(textwrap.dedent(program), "    ")
    text = f"from jobs.media import child\nimport os, signal, sys\ndef act(call):\n{body}\n"
    text += "child.OPERATIONS['any'] = act\nchild.main()\n"
    command = (sys.executable, "-c", text)
    return run_isolated("any", Path("in"), Path("out"), {}, limits=limits, command=command)


def has_text(note: Path) -> bool:
    """Return True if a child has written its note."""
    return note.exists() and note.read_text() != ""


def is_gone(pid: int) -> bool:
    """Return True if a process has ended, even if no process has waited for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "ended with -11"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "ended with -9"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "ended with -15"),
        ("os.abort()", "ended with -6"),
        ("sys.exit(3)", "ended with 3"),
        ("raise ValueError('a secret path')", "a secret path"),
        ("pass", "ended with 0"),
        ("print(json.dumps({'result': {}}), flush=True); os.kill(os.getpid(), signal.SIGSEGV)", "ended with -11"),
    ],
)
def test_a_child_that_ends_without_a_reply_proves_nothing_about_the_file(program: str, reason: str) -> None:
    with pytest.raises(MediaInterrupted, match=reason):
        run(program)


@pytest.mark.parametrize(
    ("program", "detail"),
    [
        ("print('hello')", "hello"),
        ("print('[1]')", "[1]"),
        ("print('null')", "null"),
        ("print(json.dumps({'result': 1}))", "result"),
        ("print(json.dumps({'error': 'SystemExit', 'reason': 'x', 'detail': None}))", "SystemExit"),
        ("print(json.dumps({'progress': 7}))", "progress"),
        ("print('x' * 10**7)", "262144 bytes"),
        ("os.write(1, b'\\xff\\xfe\\n')", "xff"),
    ],
)
def test_a_senseless_reply_is_a_media_error(program: str, detail: str) -> None:
    with pytest.raises(MediaError) as caught:
        run(program)
    assert caught.value.reason == NOT_PROCESSED
    assert detail in (caught.value.detail or "")


def test_child_that_never_reads_its_request_is_an_interruption() -> None:
    with pytest.raises(MediaInterrupted):
        run_isolated("any", Path("in"), Path("out"), {"much": "x" * 10**6}, limits=LIMITS, command=("/bin/false",))


def run_into_its_limit(program: str, note: Path) -> None:
    """Run a child that never ends into its wall-clock limit: a limit that leaves it the time to write `note`."""
    wall_s = 0.5
    while not has_text(note):
        with pytest.raises(MediaInterrupted):
            run(program, replace(LIMITS, wall_s=wall_s))
        wall_s *= 2


@pytest.mark.parametrize("program", ["signal.pause()", "os.close(1); signal.pause()", "print('{}'); signal.pause()"])
def test_child_that_does_not_end_is_killed(tmp_path: Path, program: str) -> None:
    note = tmp_path / "pid"
    run_into_its_limit(f"open({str(note)!r}, 'w').write(str(os.getpid()))\n{program}", note)
    assert is_gone(int(note.read_text()))


def test_the_processes_of_a_child_are_killed_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    program = f"""
        if (pid := os.fork()) == 0:
            signal.pause()
        open({str(note)!r}, 'w').write(str(pid))
        signal.pause()
    """
    run_into_its_limit(program, note)
    assert eventually(lambda: is_gone(int(note.read_text())))


def test_an_exception_from_on_progress_kills_the_child_and_goes_on(tmp_path: Path) -> None:
    class LeaseLost(Exception):
        pass

    def lose(share: float) -> None:
        raise LeaseLost(share)

    note = tmp_path / "pid"
    program = f"""
        open({str(note)!r}, 'w').write(str(os.getpid()))
        print(json.dumps({{'progress': 0.25}}), flush=True)
        signal.pause()
    """
    with pytest.raises(LeaseLost):
        run(program, on_progress=lose)
    assert is_gone(int(note.read_text()))


def test_a_silent_child_can_be_stopped(tmp_path: Path) -> None:
    """A child that reads a hostile file may say nothing for minutes; a cancel does not wait for it."""
    note, calls = tmp_path / "pid", list[float]()

    class LeaseLost(Exception):
        pass

    def lose(share: float) -> None:
        calls.append(share)
        if has_text(note):
            raise LeaseLost

    with pytest.raises(LeaseLost):
        run(f"open({str(note)!r}, 'w').write(str(os.getpid()))\nsignal.pause()", on_progress=lose)
    assert is_gone(int(note.read_text()))
    assert set(calls) == {0}


def test_progress_reaches_the_caller_before_the_end() -> None:
    program = """
        for share in (0, 0.5, 1):
            print(json.dumps({'progress': share}), flush=True)
        print(json.dumps({'result': {'number': 42}}))
    """
    shares: list[float] = []
    assert run(program, on_progress=shares.append) == {"number": 42}
    assert shares == [0, 0.5, 1]


def test_a_lack_of_memory_proves_nothing_about_the_file() -> None:
    with pytest.raises(MediaInterrupted, match="memory"):
        run_confined("return bytes(600 * 2**20)")


def test_a_stop_of_the_whole_group_lets_the_child_finish() -> None:
    with pytest.raises(TooLarge):
        run_confined("""
            import signal
            from jobs.media.errors import TooLarge
            os.kill(os.getpid(), signal.SIGTERM)
            raise TooLarge("x")
        """)


def test_processor_time_beyond_the_limit_is_a_timeout() -> None:
    with pytest.raises(MediaTimeout) as caught:
        run_confined("while True: pass", replace(LIMITS, cpu_s=1))
    assert caught.value.detail == "the CPU time is used up"


def test_file_beyond_the_limit_is_too_large(tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        run_confined(f"open({str(tmp_path / 'big')!r}, 'wb').write(bytes(2 * 2**20))")
    assert (tmp_path / "big").stat().st_size <= MIB


def test_no_core_is_dumped_and_few_files_can_be_open() -> None:
    with pytest.raises(MediaError) as caught:
        run_confined("""
            import resource
            from jobs.media.errors import MediaError
            kinds = resource.RLIMIT_CORE, resource.RLIMIT_NOFILE
            raise MediaError(repr([resource.getrlimit(kind) for kind in kinds]))
        """)
    assert caught.value.reason == "[(0, 0), (64, 64)]"


def test_a_full_disk_is_the_machines_fault() -> None:
    with pytest.raises(OSError) as caught:
        run_confined(f"raise OSError({errno.ENOSPC}, 'No space left on device')")
    assert caught.value.errno == errno.ENOSPC


def test_output_printed_by_a_library_does_not_disturb_the_reply() -> None:
    with pytest.raises(TooLarge):
        run_confined("""
            from jobs.media.errors import TooLarge
            print("libwhatever: warning", flush=True)
            os.write(1, b"more noise")
            raise TooLarge("x")
        """)


def test_surprises_in_the_child_keep_their_text_for_the_log() -> None:
    with pytest.raises(MediaError) as caught:
        run_confined("raise KeyError('/secret/path')")
    assert "/secret/path" not in caught.value.reason
    assert "/secret/path" in (caught.value.detail or "")


def test_child_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_secret")
    environment = run("print(json.dumps({'result': dict(os.environ)}))")
    assert isinstance(environment, dict)
    assert "r8_secret" not in environment.values()
    allowed = {"PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR", "PYTHONPATH", "MALLOC_ARENA_MAX", "LC_CTYPE"}
    assert set(environment) <= allowed


def test_child_dies_with_its_parent(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    parent = tmp_path / "parent.py"
    parent.write_text(
        textwrap.dedent(f"""
        from tests.jobs.media.test_isolation import run_confined
        run_confined("open({str(note)!r}, 'w').write(str(os.getpid())); signal.pause()")
        """)
    )
    process = subprocess.Popen([sys.executable, str(parent)], env={**os.environ, "PYTHONPATH": str(CODE)})
    assert eventually(lambda: has_text(note))
    process.kill()
    process.wait()
    assert eventually(lambda: is_gone(int(note.read_text())))


def test_child_whose_parent_is_gone_already_does_nothing() -> None:
    request = {"limits": asdict(LIMITS), "parent_pid": 1}
    done = subprocess.run(
        [sys.executable, "-m", "jobs.media.child"],
        input=json.dumps(request).encode(),
        capture_output=True,
        cwd=CODE,
        check=False,
    )
    assert done.returncode == 1
    assert b"the parent is gone" in done.stderr
    assert done.stdout == b""
