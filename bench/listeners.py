"""Listeners: results per second and CPU per result against the number of sessions, with instant engines.

With ``--before`` each run is made with the sources of another folder, too, and right after it with these, so that both
meet the same machine. Prints a table and writes ``bench-results/listeners.json``.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench import listener_release
from bench.listener_release import Report
from bench.results import print_header, write_results

COLUMNS = ("listeners", "sessions", "version", "results_per_s", "listener_cpu_ms", "redis_cpu_ms", "plans_per_result")
BEFORE, NOW = "before", "now"


def ratios(reports: Sequence[Report]) -> list[Report]:
    """Return by which factor each figure has changed, for runs that were made with both versions."""
    found: list[Report] = []
    for before, now in pairwise(reports):
        if (before["version"], now["version"]) == (BEFORE, NOW):
            same = {name: now[name] for name in ("listeners", "sessions")}
            changed = {name: round(float(now[name]) / float(before[name]), 2) for name in COLUMNS[3:]}
            found.append({"version": "ratio", **same, **changed})
    return found


def table(reports: Sequence[Report]) -> Table:
    """Make the table, one row per run; where there are two versions, one more with the ratio."""
    out = Table(title="Release of results")
    for column in COLUMNS:
        out.add_column(column, justify="right")
    ratio = iter(ratios(reports))
    for number, report in enumerate(reports):
        out.add_row(*(str(report[column]) for column in COLUMNS))
        if number and (reports[number - 1]["version"], report["version"]) == (BEFORE, NOW):
            row = next(ratio)
            out.add_row(*(str(row[column]) for column in COLUMNS), end_section=True)
    return out


def main(
    sessions: Annotated[str, typer.Option(help="Numbers of sessions, comma-separated.")] = "1,100,1000",
    listeners: Annotated[str, typer.Option(help="Numbers of listeners, comma-separated.")] = "1,2",
    before: Annotated[Path | None, typer.Option(help="Folder with the sources of another version.")] = None,
    rounds: Annotated[int, typer.Option(help="Runs of each kind.")] = 1,
) -> None:
    """Measure the parts and write bench-results/listeners.json."""
    print_header(__doc__)
    versions = [*([(BEFORE, before)] if before else []), (NOW, Path())]
    runs = [
        (version, root.resolve(), int(processes), int(count))
        for processes in listeners.split(",")
        for count in sessions.split(",")
        for _ in range(rounds)
        for version, root in versions
    ]
    reports = [listener_release.measure(*run) for run in track(runs, description="Measuring")]
    Console(width=160).print(table(reports))
    write_results("listeners", reports)


if __name__ == "__main__":
    typer.run(main)
