"""Finds and ends the processes of a stack by a tag in their environment: it survives restarts and lost process ids."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import psutil

RUN_TAG = "LOCAL_RUN_DIR"
"""Environment variable with the run folder; every process below ``local.run`` inherits it."""


def orphans(run_dir: Path) -> list[psutil.Process]:
    """List the processes, other than this one, that belong to the stack of ``run_dir``."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _is_tagged(process, run_dir)]


def end(processes: Sequence[psutil.Process], grace_s: float) -> None:
    """Send SIGTERM, then SIGKILL to the processes that still run after ``grace_s`` seconds."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
            process.resume()  # a stopped process handles no signal
    _, alive = psutil.wait_procs(processes, timeout=grace_s)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=grace_s)


def _is_tagged(process: psutil.Process, run_dir: Path) -> bool:
    try:
        return bool(process.environ().get(RUN_TAG) == str(run_dir))
    except (psutil.Error, OSError):  # it ended meanwhile, or belongs to someone else
        return False
