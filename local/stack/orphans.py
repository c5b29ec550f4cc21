"""Find and end the processes of a stack by a mark in their environment: it survives restarts and lost process ids."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import psutil

MARK = "LOCAL_RUN_DIR"
"""Environment variable with the run folder; every process below ``local.run`` inherits it."""


def strays(run_dir: Path) -> list[psutil.Process]:
    """The processes, other than this one, that belong to the stack of ``run_dir``."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _marked(process, run_dir)]


def end(processes: Sequence[psutil.Process], grace_s: float) -> None:
    """Ask ``processes`` to stop, and kill those that still live after ``grace_s`` seconds."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
            process.resume()  # a frozen process would not hear the request
    _, alive = psutil.wait_procs(processes, timeout=grace_s)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=grace_s)


def _marked(process: psutil.Process, run_dir: Path) -> bool:
    try:
        return bool(process.environ().get(MARK) == str(run_dir))
    except (psutil.Error, OSError):  # it ended meanwhile, or belongs to someone else
        return False
