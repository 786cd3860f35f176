"""The account of a server, and the files that it can reach."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from diorama.embedded.account import Account, server_account
from diorama.embedded.postgres_install import PostgresInstall, find_postgres
from diorama.embedded.scratch import make_scratch

STRANGER = Account(uid=54321, gid=54321)


@pytest.fixture
def place(open_directory: Path) -> Path:
    """A directory that a stranger can reach."""
    place = open_directory / "place"
    place.mkdir()
    place.chmod(0o755)
    return place


def test_only_root_borrows_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert server_account() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    borrowed = server_account()
    assert borrowed is not None
    assert borrowed.uid != 0


@pytest.mark.parametrize(("mode", "reaches"), [(0o755, True), (0o711, True), (0o750, False), (0o700, False)])
def test_a_stranger_reaches_what_is_open_to_all(place: Path, mode: int, reaches: bool) -> None:
    place.chmod(mode)
    assert STRANGER.can_reach(place) is reaches


def test_a_closed_directory_closes_all_below_it(place: Path) -> None:
    (place / "below").mkdir(mode=0o777)
    place.chmod(0o700)
    assert not STRANGER.can_reach(place / "below")


def test_an_owner_and_a_group_member_count_by_their_own_bits(place: Path) -> None:
    status = place.stat()
    place.chmod(0o710)
    assert Account(status.st_uid, 54321).can_reach(place)
    assert Account(54321, status.st_gid).can_reach(place)
    place.chmod(0o611)
    assert not Account(status.st_uid, 54321).can_reach(place)


def test_a_link_is_followed_to_where_it_leads(place: Path, open_directory: Path) -> None:
    link = open_directory / "link"
    link.symlink_to(place)
    place.chmod(0o700)
    assert not STRANGER.can_reach(link)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root borrows an account that cannot reach its files")
def test_an_install_that_the_account_cannot_reach_is_copied(place: Path) -> None:
    """The project may be in a home directory that only its owner may enter."""
    account = server_account()
    assert account is not None
    home, scratch = place / "home", make_scratch(account)
    hidden = hide_install_in(home)
    try:
        install = hidden.usable_by(account, scratch.path)
        version = subprocess.run(
            [install.bin / "initdb", "--version"], user=account.uid, group=account.gid, capture_output=True, check=True
        )
        assert b"PostgreSQL" in version.stdout
        assert install.root.is_relative_to(scratch.path)
        assert home.stat().st_mode & 0o777 == 0o700
    finally:
        scratch.remove()


def hide_install_in(home: Path) -> PostgresInstall:
    """Copy the wheel's Postgres, and the libraries beside its package, to a directory that only we can enter."""
    root = find_postgres().root
    package = root.parent
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(root, home / package.name / root.name, symlinks=True, ignore=shutil.ignore_patterns("include"))
    if libraries.is_dir():
        shutil.copytree(libraries, home / libraries.name)
    for path in (home, *home.rglob("*")):  # as after an install with umask 077
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
    return PostgresInstall(home / package.name / root.name)


def test_an_install_within_reach_is_used_in_place(tmp_path: Path) -> None:
    install = find_postgres()
    assert install.usable_by(None, tmp_path) == install
    assert list(tmp_path.iterdir()) == []
