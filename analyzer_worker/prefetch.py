"""``python -m analyzer_worker.prefetch``: bring the sentiment model onto this machine, so that it can go offline."""

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import FileSizeColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from analyzer_worker.engines.base import DEFAULT_MODEL, INSTANT_MODEL
from analyzer_worker.settings import Settings
from analyzer_worker.weights.adapter import read_artefact
from analyzer_worker.weights.base_weights import ensure_base_weights
from analyzer_worker.weights.hub import model_folder
from infra.settings import load_settings_or_exit
from wire.errors import ModelError


def main() -> None:
    """Entry point: one line when all is there; an error says what to do and ends with code 1."""
    settings = load_settings_or_exit(Settings)
    console = Console(stderr=True)
    try:
        place = prefetch(
            settings.model, settings.model_cache, console, settings.base_weights, not settings.model_offline
        )
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    print(f"sentiment model {settings.model}: ready{f' in {place}' if place else ''}", file=sys.stderr)


def prefetch(model: str, cache: Path, console: Console, base: Path | None = None, download: bool = True) -> Path | None:
    """The folder in which ``model`` now is (its base weights, for the default model); None when it needs no files.

    Raises:
        ModelError: as ``artefact.read_artefact``, ``base_weights.ensure_base_weights`` and ``hub.model_folder``.
    """
    if model == INSTANT_MODEL:
        return None
    if model != DEFAULT_MODEL:
        return model_folder(model, cache, download)  # the Hub's library shows its own progress
    read_artefact()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), FileSizeColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def advance(step: str, done: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=None)
            progress.advance(tasks[step], done)

        return ensure_base_weights(cache, base, advance)


if __name__ == "__main__":
    main()
