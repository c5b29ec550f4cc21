"""``python -m analyzer_worker.prefetch``: fetch and verify the sentiment models, so that the worker can run offline."""

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import FileSizeColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from analyzer_worker.engines.base import INSTANT_MODEL
from analyzer_worker.engines.load import base_of
from analyzer_worker.settings import Settings
from analyzer_worker.weights import base_weights, e5_package
from analyzer_worker.weights.adapter import BUILT_IN, E5, adapter_folder, read_adapter
from analyzer_worker.weights.hub import model_folder
from infra.settings import load_settings_or_exit
from wire.errors import ModelError


def main() -> None:
    """Entry point: prints one line per model; on an error prints the remedy and exits with code 2."""
    settings = load_settings_or_exit(Settings)
    console = Console(stderr=True)
    models = list(dict.fromkeys(settings.model_by_language.values()))
    for model in models:
        base = base_of(model, models, settings.base_weights)
        try:
            place = prefetch(model, settings.model_cache, console, base, not settings.model_offline)
        except ModelError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2) from None
        print(f"sentiment model {model}: ready{f' in {place}' if place else ''}", file=sys.stderr)


def prefetch(model: str, cache: Path, console: Console, base: Path | None = None, download: bool = True) -> Path | None:
    """Fetch ``model`` and return its place (of the base weights, for a built-in model); None if it needs no files.

    Raises:
        ModelError: as ``adapter.read_adapter``, ``find_e5_file``, ``ensure_base_weights`` and ``hub.model_folder``.
    """
    if model == INSTANT_MODEL:
        return None
    if model not in BUILT_IN:
        return model_folder(model, cache, download)  # huggingface_hub shows its own progress
    # The adapter is checked here, so that the operator sees a damaged checkout before the first worker does.
    pinned = e5_package.SHA256 if model == E5 else base_weights.WEIGHTS_SHA256
    read_adapter(adapter_folder(model), pinned)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), FileSizeColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def advance(step: str, done: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=None)
            progress.advance(tasks[step], done)

        if model == E5:
            return e5_package.find_e5_file(base, advance)
        return base_weights.ensure_base_weights(cache, base, advance)


if __name__ == "__main__":
    main()
