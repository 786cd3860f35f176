"""Make a virtual environment and install a lock file into it, with two pips for each core.

    python3 requirements/install.py .venv requirements/demo.lock           # the packages of a lock
    python3 requirements/install.py .venv requirements/demo.lock .         # and this checkout, as editable

A pip compares everything that an index has of a package, and unpacks, on one core: so each gets a share of the lock.
Hashes are checked as always; dependencies are not followed, because a lock names all of them.
"""

import os
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

# A pip waits for the index in between, and some packages take many times as long as others.
_PIPS = 2 * (os.cpu_count() or 1)


def main(environment: Path, lock: Path, project: Path | None = None) -> None:
    """Install `lock`, then `project`, into `environment`, which is made if it does not exist."""
    python = environment / "bin" / "python"
    if not python.exists():
        _make(environment)
    sys.stderr.write(f"Installing the packages of {lock} into {environment} ...\n")
    with tempfile.TemporaryDirectory() as folder:
        shares = split(lock, Path(folder), _PIPS)
        installs = [
            subprocess.Popen([*_pip(python), "--no-compile", "--require-hashes", "-r", share]) for share in shares
        ]
        codes = [install.wait() for install in installs]
        if any(codes):
            sys.exit(f"{lock} could not be installed; pip says why above. Run the command again to go on.")
    if project:
        subprocess.run([*_pip(python), "--no-build-isolation", "--editable", project], check=True)


def _make(environment: Path) -> None:
    # A pip of its own takes 6 s to make, and the one that runs outside can install into any environment.
    without_pip = ["--without-pip"] if find_spec("pip") else []
    subprocess.run([sys.executable, "-m", "venv", *without_pip, environment], check=True)


def split(lock: Path, folder: Path, count: int) -> list[Path]:
    """Write the packages of `lock` into at most `count` locks in `folder`, each package into one of them."""
    packages = re.split(r"\n(?=[a-z0-9])", lock.read_text())
    shares = [folder / f"{number}.lock" for number in range(min(count, len(packages)))]
    for number, share in enumerate(shares):
        share.write_text("\n".join(packages[number::count]) + "\n")
    return shares


def _pip(python: Path) -> list[str]:
    outside = [sys.executable, "-m", "pip", "--python", str(python)]
    pip = outside if find_spec("pip") else [str(python), "-m", "pip"]
    return [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-deps"]


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
