"""``python -m analyzer_worker.prefetch``: fetch and verify the sentiment model, so that the worker can run offline."""

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import FileSizeColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from analyzer_worker.engines.base import INSTANT_MODEL
from analyzer_worker.settings import Settings
from analyzer_worker.weights.adapter import DEFAULT_MODEL, read_adapter
from analyzer_worker.weights.base_weights import ensure_base_weights
from analyzer_worker.weights.hub import model_folder
from infra.settings import load_settings_or_exit
from wire.errors import ModelError


def main() -> None:
    """Entry point: prints one line on success; on an error prints the remedy and exits with code 2."""
    settings = load_settings_or_exit(Settings)
    console = Console(stderr=True)
    try:
        folder = prefetch(
            settings.model, settings.model_cache, console, settings.base_weights, not settings.model_offline
        )
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    print(f"sentiment model {settings.model}: ready{f' in {folder}' if folder else ''}", file=sys.stderr)


def prefetch(model: str, cache: Path, console: Console, base: Path | None = None, download: bool = True) -> Path | None:
    """Fetch ``model`` and return its folder (of the base weights, for the default model); None if it needs no files.

    Raises:
        ModelError: as ``adapter.read_adapter``, ``base_weights.ensure_base_weights`` and ``hub.model_folder``.
    """
    if model == INSTANT_MODEL:
        return None
    if model != DEFAULT_MODEL:
        return model_folder(model, cache, download)  # huggingface_hub shows its own progress
    read_adapter()  # checked here, so that the operator sees a damaged checkout before the first worker does
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
