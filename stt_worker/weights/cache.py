"""Checkpoints in the model cache: complete and unaltered, or an error that names the file.

Each ``base.pt`` has a ``base.pt.sha256`` beside it, in the format that ``sha256sum --check`` reads. The hash is written
before the checkpoint, and both by renaming, so there is never a checkpoint without its hash.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from wire.errors import ModelError

Progress = Callable[[str, int, int], None]
"""Called with (stage, bytes done, bytes in total); a total of 0 means unknown."""


def ignore(_stage: str, _done: int, _total: int) -> None:
    """Progress callback that does nothing."""


def is_stored(file: Path) -> bool:
    """True if ``file`` is in the cache. Reads the whole file to compare its hash (``base``: 0.1 to 0.5 s).

    Raises:
        ModelError: ``model_corrupt``: the file exists, but its content is not what was stored.
    """
    if not file.exists():
        return False
    sidecar = hash_file(file)
    if not sidecar.exists():
        raise _corrupt(file, f"has no {sidecar.name} beside it, so it cannot be checked")
    if sidecar.read_text().split()[:1] != [sha256(file)]:
        raise _corrupt(file, f"is not what was stored: its sha256 differs from the one in {sidecar.name}")
    return True


def store(finished: Path, file: Path) -> None:
    """Move the checkpoint ``finished``, on the same disk, into the cache as ``file``."""
    new_hash = finished.with_name(f"{finished.name}.sha256")
    new_hash.write_text(f"{sha256(finished)}  {file.name}\n")
    new_hash.replace(hash_file(file))
    finished.replace(file)


def fetch_once(file: Path, fetch: Callable[[Path], Path], on_progress: Progress, missing: ModelError | None) -> None:
    """Put a file into the cache, unless it is there. Other processes wait for the one that fetches it.

    Args:
        file: in the cache.
        fetch: puts the file into the empty folder that it gets, and returns its path there.
        on_progress: as everywhere.
        missing: raised instead of fetching; None: fetch.

    Raises:
        ModelError: ``model_corrupt``, ``model_cache_unusable``, ``missing``, and what ``fetch`` raises.
    """
    try:
        if is_stored(file):
            return
        if missing is not None:
            raise missing
        with locked_folder(file, on_progress) as folder:
            if not is_stored(file):  # another process may have fetched it in the meantime
                store(fetch(folder), file)
    except OSError as error:
        raise ModelError(
            "model_cache_unusable",
            f"The model cache {file.parent} cannot be used: {error}.",
            "Give this user access and some disk space there, or set MODEL_CACHE to another folder.",
        ) from error


@contextmanager
def locked_folder(file: Path, on_progress: Progress) -> Iterator[Path]:
    """Lock ``file`` against other processes and yield an empty folder beside it, to prepare the file in.

    The folder is removed afterwards, as are the leftovers of a killed process.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{file}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_progress(f"{file.name}: another process downloads it, waiting", 0, 0)
        lock.acquire()
    folder = file.with_name(f".{file.name}.partial")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def hash_file(file: Path) -> Path:
    """Path of the hash of ``file``."""
    return file.with_name(f"{file.name}.sha256")


def sha256(*files: Path) -> str:
    """sha256 of a file's content, or of several one after the other, in hexadecimal."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            hashlib.file_digest(content, lambda: digest)
    return digest.hexdigest()


def _corrupt(file: Path, reason: str) -> ModelError:
    return ModelError(
        "model_corrupt",
        f"The checkpoint {file} {reason}.",
        "Move it to another folder and run `make models`; if it is a model of your own, set STT_MODEL to its new path.",
    )
