"""Signs what a model made: a C2PA manifest in the file says so, under the operator's certificate, without a network.

The worker signs, not the media child: the key must not be near the decoding of untrusted bytes.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Final

from jobs.media.provenance import DIGITAL_SOURCE_TYPE

# By the type of the key; the certificate does not say it in words.
ALGORITHMS: Final = ("es256", "es384", "es512", "ps256", "ed25519")
MANIFEST: Final = {
    "claim_generator_info": [{"name": "Diorama"}],
    "assertions": [
        {
            "label": "c2pa.actions.v2",
            "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": DIGITAL_SOURCE_TYPE}]},
        }
    ],
}
# Thumbnails would add up to two megabytes to a picture.
SETTINGS: Final = {"builder": {"thumbnail": {"enabled": False}}}
# A picture of one pixel, to try the key with.
ONE_PIXEL: Final = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
# `Trusted` where the reader knows the issuer, which this program need not.
SOUND: Final = ("Valid", "Trusted")


class SigningError(Exception):
    """Nothing can be signed with this certificate and key. The message says why, and never contains the key."""


@dataclass(frozen=True, slots=True)
class ManifestSigner:
    """A certificate chain, the signer's own first, and its private key, both as PEM."""

    certificates: bytes
    key: bytes = field(repr=False)
    algorithm: str

    @classmethod
    def of(cls, certificates: Path, key: Path) -> ManifestSigner:
        """Return the signer of two files, tried on a picture; raise SigningError where they do not fit."""
        try:
            chain, secret = certificates.read_bytes(), key.read_bytes()
        except OSError as error:
            raise SigningError(f"{error.filename}: {error.strerror}") from None
        refused = ""
        for algorithm in ALGORITHMS:
            try:
                return cls(chain, secret, algorithm)._tried()
            except SigningError as error:
                refused = refused or str(error)
        raise SigningError(refused)

    def sign(self, path: Path, content_type: str) -> None:
        """Put a signed manifest into a file, which is replaced at once. Raises SigningError; the file then stays."""
        signed = path.with_name(path.name + ".signed")
        try:
            with path.open("rb") as source, signed.open("w+b") as target:
                self._write(source, content_type, target)
            signed.replace(path)
        finally:
            signed.unlink(missing_ok=True)

    def _tried(self) -> ManifestSigner:
        signed = BytesIO()
        self._write(BytesIO(ONE_PIXEL), "image/png", signed)
        signed.seek(0)
        state = _in_library(lambda c2pa: c2pa.Reader("image/png", signed).get_validation_state())
        if state not in SOUND:
            raise SigningError(f"a picture that was signed for a trial reads as {state}")
        return self

    def _write(self, source: BinaryIO, content_type: str, target: BinaryIO) -> None:
        def sign(c2pa: Any) -> None:
            info = c2pa.C2paSignerInfo(self.algorithm.encode(), self.certificates, self.key, None)
            context = c2pa.Context(settings=c2pa.Settings.from_dict(SETTINGS))
            with c2pa.Signer.from_info(info) as signer, c2pa.Builder(json.dumps(MANIFEST), context) as builder:
                builder.sign(signer, content_type, source, target)

        _in_library(sign)


def _in_library(call: Callable[[Any], Any]) -> Any:
    try:
        c2pa = import_module("c2pa")
    except ImportError:
        raise SigningError("the package c2pa-python is not installed: install diorama[c2pa]") from None
    try:
        return call(c2pa)
    except c2pa.C2paError as error:
        raise SigningError(str(error)) from error
