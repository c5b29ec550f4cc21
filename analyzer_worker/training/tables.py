"""Tables of scores for the terminal."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from analyzer_worker.training.metrics import Scores


def print_scores(console: Console, measured: Mapping[str, Scores], title: str) -> None:
    """Print a table with one row per test set."""
    table = Table("set", "macro-F1", "accuracy", "sentences", title=title)
    for name, scores in measured.items():
        table.add_row(name, f"{scores.macro_f1:.3f}", f"{scores.accuracy:.3f}", f"{scores.sentences:,}")
    console.print(table)
