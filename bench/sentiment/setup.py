"""Everything that the parts of the sentiment benchmark have in common: models, data, tables, rounding."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from analyzer_worker.weights.adapter import E5
from bench.clips import Clip, read_manifest
from bench.sentiment.baselines import Majority, Vader
from bench.sentiment.models import Classifier, Model
from bench.sentiment.sets import LabelledSet, read_test_sets

DIGITS = 4
TEXT_COLUMNS = frozenset({"set", "model", "language", "category", "numbers"})

Stored = dict[str, dict[str, Any]]
"""Name of a model or baseline → its entries in the results file."""


@dataclass(frozen=True)
class Setup:
    """Models, data and options."""

    models: list[Model]
    data: Path
    manifest: Path
    adapter: Path | None = None
    limit: int | None = None
    """Sentences per set."""
    fit_temperatures: bool = False
    verbose: bool = False
    """List the sentences of the behaviour lists that are labelled wrongly."""
    weakest: bool = False
    """No instructions beyond AVX2 where the speed is measured."""
    console: Console = field(default_factory=lambda: Console(width=150))

    @cached_property
    def test_sets(self) -> list[LabelledSet]:
        """The test sets."""
        return read_test_sets(self.data, self.limit)

    @cached_property
    def clips(self) -> list[Clip]:
        """The recordings of the manifest."""
        return read_manifest(self.manifest)

    @cached_property
    def classifiers(self) -> list[Classifier]:
        """Models and baselines."""
        return [*self.models, Vader(), Majority()]

    def adapter_of(self, model: Model) -> Path | None:
        """Return the adapter that a model is loaded with, if it is not the one in the repository."""
        return self.adapter if model.name == E5 else None

    def print_table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print a table; floats are shown with three decimals."""
        table = Table(title=title)
        for column in columns:
            table.add_column(column, justify="left" if column in TEXT_COLUMNS else "right")
        for row in rows:
            table.add_row(*(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row))
        self.console.print(table)


def rounded(figures: Any) -> Any:
    """Return dictionaries of figures with all floats rounded."""
    if isinstance(figures, dict):
        return {name: rounded(figure) for name, figure in figures.items()}
    return round(figures, DIGITS) if isinstance(figures, float) else figures
