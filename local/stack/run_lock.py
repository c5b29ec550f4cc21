"""One run at a time per run folder: a lock file that the kernel releases when its holder dies, in whatever way."""

import fcntl
import time
from pathlib import Path
from typing import IO

import psutil

from local.errors import LocalError

STOPPING_S = 60
"""Longest wait, in seconds, for the rest of an earlier run to stop."""


def lock_file(run_dir: Path) -> Path:
    """Path of the lock, held by ``local.run`` while it lives, then by the parent watch until the rest has stopped."""
    return run_dir / "run.lock"


def state_file(run_dir: Path) -> Path:
    """Path of the state, which exists while the stack is ready; read by ``local.testing``."""
    return run_dir / "state.json"


def wait_for_lock(run_dir: Path) -> IO[str]:
    """Block until the run that holds the lock has died."""
    file = lock_file(run_dir).open("a+", encoding="utf-8")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def take_lock(run_dir: Path, pid: int, waiting_s: float = STOPPING_S) -> IO[str]:
    """Take the lock at once, or as soon as the rest of a run that died has stopped.

    Raises:
        LocalError: another run is alive; the message says which.
    """
    file = lock_file(run_dir).open("a+", encoding="utf-8")
    try:
        _wait(file, run_dir, time.monotonic() + waiting_s)
    except BaseException:
        file.close()
        raise
    file.truncate(0)
    file.write(str(pid))
    file.flush()
    return file


def _wait(file: IO[str], run_dir: Path, deadline: float) -> None:
    while not _try(file):
        holder = _holder(file)
        if holder is not None and psutil.pid_exists(holder):
            raise LocalError(
                "already_running",
                f"It is already running, as process {holder} with the run folder {run_dir}.",
                f"Stop it with Ctrl-C or `kill {holder}`, or give this one another --run-dir and --port.",
            )
        if time.monotonic() > deadline:
            raise LocalError(
                "still_stopping",
                f"An earlier run in {run_dir} died and what it started has not stopped yet.",
                "Wait a minute and try again; else end those processes by hand.",
            )
        time.sleep(0.2)


def _try(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: IO[str]) -> int | None:
    file.seek(0)
    text = file.read().strip()
    return int(text) if text.isdigit() else None
