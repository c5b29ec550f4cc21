"""Follows the log files of all services as one stream of lines, each with the name of its program."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_CHANGES = re.compile(r" (?:INFO|WARN|CRIT) ((?:spawned|exited|gave up|killing|waiting)\b.*)")
"""Matches the lines of supervisord's own log about processes that start and end."""


class Follower:
    """Reads what is appended to ``*.log`` in a folder, through rotation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Path, BinaryIO] = {}
        for path in folder.glob("*.log"):  # lines of an earlier run are not shown
            self._open(path).seek(0, os.SEEK_END)

    def new_lines(self) -> Iterator[tuple[str, str]]:
        """Yield (program, line) for each whole line since the last call."""
        for path in sorted(self._folder.glob("*.log")):
            file = self._files.get(path) or self._open(path)
            yield from _read(path.stem, file)
            if _is_rotated(path, file):  # its end was just read
                file.close()
                yield from _read(path.stem, self._open(path))

    def _open(self, path: Path) -> BinaryIO:
        self._files[path] = path.open("rb")
        return self._files[path]

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()


def _read(program: str, file: BinaryIO) -> Iterator[tuple[str, str]]:
    while line := file.readline():
        if not line.endswith(b"\n"):  # half a line: the rest comes later
            file.seek(-len(line), os.SEEK_CUR)
            return
        text = line.decode(errors="replace").rstrip()
        if program == "supervisor":
            change = _CHANGES.search(text)
            text = change[1] if change else ""
        if text:
            yield program, text


def _is_rotated(path: Path, file: BinaryIO) -> bool:
    try:
        return path.stat().st_ino != os.fstat(file.fileno()).st_ino
    except FileNotFoundError:  # in the middle of a rotation: the next call sees the new file
        return False


def last_lines(log: Path, count: int = 15) -> list[str]:
    """Return the last ``count`` lines of a log file; empty if there is none."""
    try:
        return log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
    except OSError:
        return []
