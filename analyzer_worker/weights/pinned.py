"""Files that must be byte for byte the ones this program was made with."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from wire.errors import ModelError

CHUNK_BYTES = 1 << 20

Progress = Callable[[str, int], None]
"""Called with the step (``extracting FILE``, ``verifying FILE``) and the bytes processed since the last call."""


def verify(path: Path, expected: str, remedy: str, progress: Progress | None = None) -> None:
    """Check that the sha256 of ``path`` is ``expected``.

    Args:
        path: the file.
        expected: 64 lower-case hexadecimal digits.
        remedy: the reader's next step, for the error.
        progress: called while the file is read.

    Raises:
        ModelError: the file cannot be read or is another one; the message names it.
    """
    try:
        found = sha256_of(path, progress)
    except OSError as refused:
        raise ModelError("model_missing", f"{path} cannot be read: {refused}.", remedy) from refused
    if found != expected:
        size = path.stat().st_size
        raise ModelError(
            "model_corrupt",
            f"{path} is not the expected file: sha256 {found[:12]}… of {size:,} bytes, expected {expected[:12]}….",
            remedy,
        )


def sha256_of(path: Path, progress: Progress | None = None) -> str:
    """Return the sha256 of a file in hexadecimal digits.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            if progress:
                progress(f"verifying {path.name}", len(chunk))
    return digest.hexdigest()
