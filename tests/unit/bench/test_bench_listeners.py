"""Figures of ``make bench-listeners``: two versions are compared run by run; no system runs."""

from bench.listener_release import Report
from bench.listeners import ratios, table


def run(version: str, sessions: int, results_per_s: float) -> Report:
    figures = {"results_per_s": results_per_s, "listener_cpu_ms": 1.0, "redis_cpu_ms": 0.5, "plans_per_result": 1.0}
    return {"version": version, "listeners": 2, "sessions": sessions, **figures}


def test_ratios_are_those_of_each_pair_of_runs() -> None:
    """Of two rounds each has its own; the second version of one pair is not compared with the first of the next."""
    reports = [run("before", 1, 200.0), run("now", 1, 500.0), run("before", 1, 100.0), run("now", 1, 400.0)]
    assert [ratio["results_per_s"] for ratio in ratios(reports)] == [2.5, 4.0]
    assert [(ratio["listener_cpu_ms"], ratio["sessions"]) for ratio in ratios(reports)] == [(1.0, 1), (1.0, 1)]
    assert table(reports).row_count == 6


def test_one_version_alone_has_no_ratios() -> None:
    """Runs with more and more sessions are not compared with each other."""
    reports = [run("now", 1, 500.0), run("now", 100, 400.0)]
    assert ratios(reports) == []
    assert table(reports).row_count == 2
