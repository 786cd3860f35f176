"""Test that the shares of a lock, each of which one pip installs, are together the whole lock."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PINNED = re.compile(r"^[a-z0-9-]+==[^\n]*(?:\n +--hash=[^\n]*)+", re.MULTILINE)


@pytest.mark.parametrize("count", [1, 2, 7, 1_000])
@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_the_shares_of_a_lock_are_the_whole_lock(lock: Path, count: int, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("install", ROOT / "requirements/install.py")
    assert spec
    assert spec.loader
    install = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(install)
    shares = [pinned for share in install.split(lock, tmp_path, count) for pinned in _pinned(share)]
    assert sorted(shares) == sorted(_pinned(lock))
    assert len(shares) > 10


def _pinned(lock: Path) -> list[str]:
    """Return each package of a lock with its marker and its hashes."""
    return [pinned.replace(" \\", "") for pinned in PINNED.findall(lock.read_text())]
