"""A signature of what a model made is valid, as the library's own reader finds."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import c2pa  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from diorama.settings import Settings, SettingsError
from diorama.wiring import build_signer
from jobs.media import make_renditions, normalise_video
from jobs.media.images import normalise_scene
from jobs.media.limits import OUTPUT_LIMITS
from jobs.media.provenance import DIGITAL_SOURCE_TYPE
from jobs.signing import SOUND, ManifestSigner, SigningError
from tests.jobs.media.making import Video, four_corners
from tests.support.certificates import write_chain


@pytest.fixture
def signer(tmp_path: Path) -> ManifestSigner:
    return ManifestSigner.of(*write_chain(tmp_path))


def assert_signed(path: Path) -> None:
    with c2pa.Reader(str(path)) as reader:
        assert reader.get_validation_state() in SOUND
        manifest: Any = reader.get_active_manifest()
    assert DIGITAL_SOURCE_TYPE in str(manifest["assertions"])


def test_pictures_and_their_copies_are_signed(signer: ManifestSigner, tmp_path: Path) -> None:
    scene = tmp_path / "scene.png"
    four_corners((1920, 1080)).save(tmp_path / "in.png")
    normalise_scene(tmp_path / "in.png", scene, OUTPUT_LIMITS)
    before, pixels = scene.stat().st_size, Image.open(scene).tobytes()
    signer.sign(scene, "image/png")
    assert_signed(scene)
    assert scene.stat().st_size - before < 8_000
    assert Image.open(scene).tobytes() == pixels
    for path, facts in make_renditions(scene, tmp_path / "made", is_generated=True).items():
        signer.sign(path, facts.content_type)
        assert_signed(path)


@pytest.mark.media
def test_a_video_is_signed_and_still_begins_with_its_index(signer: ManifestSigner, tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    facts = normalise_video(Video(size=(640, 360), seconds=6).write(tmp_path / "in.mp4"), video, seconds=6)
    signer.sign(video, facts.content_type)
    assert_signed(video)
    data = video.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_a_changed_picture_is_found_out(signer: ManifestSigner, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    four_corners((300, 300)).save(path)
    signer.sign(path, "image/png")
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    with c2pa.Reader(str(path)) as reader:
        assert reader.get_validation_state() not in SOUND


def test_a_key_of_another_type_is_recognized(tmp_path: Path) -> None:
    assert ManifestSigner.of(*write_chain(tmp_path, ec.SECP384R1())).algorithm == "es384"


def test_a_key_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    certificates, _ = write_chain(tmp_path)
    _, foreign = write_chain(tmp_path / "other")
    with pytest.raises(SigningError):
        ManifestSigner.of(certificates, foreign)
    with pytest.raises(SigningError, match="No such file"):
        ManifestSigner.of(certificates, tmp_path / "missing.pem")


def test_the_settings_go_together(tmp_path: Path) -> None:
    certificates, key = write_chain(tmp_path)
    assert build_signer(Settings()) is None
    assert build_signer(Settings(c2pa_certificates_file=certificates, c2pa_key_file=key)) is not None
    with pytest.raises(SettingsError, match="set both or neither"):
        build_signer(Settings(c2pa_certificates_file=certificates))
    with pytest.raises(SettingsError, match="C2PA_KEY_FILE"):
        build_signer(Settings(c2pa_certificates_file=certificates, c2pa_key_file=certificates))


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_c2pa(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr("jobs.signing.import_module", without_c2pa)
    with pytest.raises(SigningError, match="c2pa"):
        ManifestSigner.of(*write_chain(tmp_path))
    assert importlib.import_module("c2pa")
