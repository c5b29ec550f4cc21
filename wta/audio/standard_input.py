"""Standard input as a file: sound files are searched, and a pipe cannot be."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

NAME = Path("-")


@contextmanager
def on_disk(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield the files, with what comes on standard input in place of ``-``; it is gone at the end."""
    if NAME not in files:
        yield list(files)
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder, "standard input")
        with copy.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield [copy if path == NAME else path for path in files]
