"""Processors that a process may use, from the files of Linux's control groups, and what follows for its threads."""

import math
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from infra import cpus
from infra.cpus import choose_threads, cpu_quota, usable_cpus

V1 = "4:memory:/kubepods/pod1\n3:cpu,cpuacct:/kubepods/pod1\n2:cpuset:/\n"


@pytest.mark.parametrize(
    ("groups", "files", "quota"),
    [
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 0.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, math.inf),
        ("0::/\n", {"cpu.max": "300000 100000 0\n"}, 3.0),
        ("0::/\n", {}, math.inf),
        ("0::/a/b\n", {"a/b/cpu.max": "400000 100000", "a/cpu.max": "150000 100000"}, 1.5),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "cpu.max": "200000 50000"}, 4.0),
        ("0::/host/docker/1\n", {"cpu.max": "200000 100000"}, 2.0),
        ("0::/a:b\n", {"a:b/cpu.max": "200000 100000"}, 2.0),
        ("0::/../other\n", {"cpu.max": "200000 100000"}, 2.0),
        (V1, {"cpu/kubepods/pod1/cpu.cfs_quota_us": "250000", "cpu/kubepods/pod1/cpu.cfs_period_us": "100000"}, 2.5),
        (V1, {"cpu,cpuacct/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"}, 0.5),
        (V1, {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, math.inf),
        (V1, {"cpuset/cpu.cfs_quota_us": "1\n", "cpuset/cpu.cfs_period_us": "100000\n"}, math.inf),
        ("0::/\n", {"cpu.max": "50000 0\n"}, math.inf),
        ("0::/\n", {"cpu.max": "50000\n"}, math.inf),
        ("0::/\n", {"cpu.max": "half\n"}, math.inf),
        ("", {"cpu.max": "50000 100000\n"}, math.inf),
        ("nonsense\n", {}, math.inf),
    ],
)
def test_the_quota_is_the_least_of_all_control_groups(
    groups: str, files: Mapping[str, str], quota: float, tmp_path: Path
) -> None:
    write(tmp_path, groups, files)
    assert cpu_quota(tmp_path) == quota


@pytest.mark.parametrize(
    ("cores", "limit", "usable"),
    [(8, "max 100000", 8), (8, "50000 100000", 1), (8, "250000 100000", 2), (2, "400000 100000", 2)],
)
def test_affinity_and_quota_both_limit(
    cores: int, limit: str, usable: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    write(tmp_path, "0::/\n", {"cpu.max": limit})
    assert usable_cpus(tmp_path) == usable


def test_without_linux_all_processors_are_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert usable_cpus(tmp_path) == 6


@pytest.mark.parametrize(
    ("setting", "default", "usable", "threads", "level"),
    [(0, 8, 2, 2, "info"), (0, 2, 8, 2, "info"), (3, 8, 4, 3, "info"), (3, 8, 1, 3, "warning")],
)
def test_a_setting_counts_and_too_much_of_it_is_a_warning(
    setting: int, default: int, usable: int, threads: int, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpus, "usable_cpus", lambda: usable)
    with capture_logs() as logs:
        assert choose_threads(setting, default) == threads
    assert [(line["log_level"], line["threads"], line["usable"]) for line in logs] == [(level, threads, usable)]


def write(root: Path, groups: str, files: Mapping[str, str]) -> None:
    contents = {"proc/self/cgroup": groups} | {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    for name, text in contents.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
