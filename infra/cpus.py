"""Number of processors that this process may use: affinity and control groups may allow fewer than the machine has."""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import structlog

log = structlog.get_logger()


def choose_threads(setting: int, default: int) -> int:
    """Return the number of CPU threads for one process, and log it.

    Args:
        setting: used as it is, unless it is 0.
        default: for 0, as far as there are usable processors: threads beyond them wait for each other.
    """
    cpus = usable_cpus()
    threads = setting or min(default, cpus)
    if threads > cpus:
        log.warning("usable processors exceeded", threads=threads, usable=cpus)
    else:
        log.info("cpu threads chosen", threads=threads, usable=cpus)
    return threads


def usable_cpus(root: Path = Path("/")) -> int:
    """Return the number of processors in the affinity mask, but no more than the CPU quota allows; at least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.floor(min(allowed, cpu_quota(root))))


def cpu_quota(root: Path) -> float:
    """Return the CPU time per time that the control groups of this process allow; infinite without a limit.

    Versions 1 and 2 of Linux's control groups are read, mounted in the usual place.
    """
    return min((_quota(folder) for folder in _control_groups(root)), default=math.inf)


def _control_groups(root: Path) -> Iterator[Path]:
    """Yield the folders of this process's control groups and of those around them: each of them may have a limit.

    In a container a path may be that of the host, and only its top exists.
    """
    mounts = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        if not controllers:
            tops = [mounts]  # version 2
        elif "cpu" in controllers.split(","):
            tops = [mounts / "cpu", mounts / controllers]
        else:
            continue
        group = PurePosixPath(path.lstrip("/"))
        for folder in (group, *group.parents):
            yield from (top / folder for top in tops)


def _quota(folder: Path) -> float:
    """Return the quota of one control group: ``max 100000`` and ``-1`` are none."""
    words = _read(folder / "cpu.max").split()  # version 2; two files in version 1
    words = words or [_read(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
    try:
        quota, period = (int(word) for word in words[:2])
    except ValueError:
        return math.inf
    return quota / period if quota > 0 and period > 0 else math.inf


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""
