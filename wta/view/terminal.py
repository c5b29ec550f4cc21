"""The standard streams of a command."""

import os
import sys
from io import TextIOWrapper
from pathlib import Path


def prepare(*, as_json: bool) -> None:
    """Write what a terminal has no sign for as a question mark. Lines for programs are UTF-8 everywhere."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8" if as_json else None, errors="replace")


def say_not_written(error: OSError) -> None:
    """Say on standard error, which may work, that standard output does not; Python does not try it again at the end."""
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())
    print(
        f"error (not_written): The output cannot be written: {error.strerror}. Give it another place.", file=sys.stderr
    )
