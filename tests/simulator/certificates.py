"""A certificate for this machine, for simulators that speak HTTPS."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")


def self_signed(folder: Path) -> tuple[str, str]:
    """Make a certificate for 127.0.0.1 and its key; return the paths of both files."""
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    san = "subjectAltName=IP:127.0.0.1"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=simulator"]
    subprocess.run([*command, "-addext", san, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key
