"""``python -m stt_worker.prefetch``: download the weights, so that the machine can go offline.

Reads ``STT_MODEL``, ``STT_SPEAKERS``, ``MODEL_CACHE`` and ``MODEL_OFFLINE``.
Exits with code 2 and one message on failure.
"""

import sys

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from infra.settings import load_settings_or_exit
from stt_worker.settings import Settings
from stt_worker.weights.find import find_weights
from stt_worker.weights.own_model import weight_files
from stt_worker.weights.voices import find_voices
from wire.errors import ModelError


class ProgressBar:
    """A progress bar on standard error; one line per stage if that is no terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            DownloadColumn(binary_units=True),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._stage = ""

    def __enter__(self) -> "ProgressBar":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, stage: str, done: int, total: int) -> None:
        """Draw the bar of ``stage``; without end if ``total`` is 0 (see ``weights.cache.Progress``)."""
        if stage != self._stage:
            self._stage = stage
            for bar in self._bars.task_ids:
                self._bars.remove_task(bar)
            self._bars.add_task(stage, total=None)
            if self._bars.disable:
                print(f"{stage} …", file=sys.stderr)
        self._bars.update(self._bars.task_ids[0], completed=done, total=total or None)


def main() -> None:
    """Download the models unless they are present, and print the path of Whisper's."""
    settings = load_settings_or_exit(Settings)
    if settings.model == "instant":
        print("Whisper: STT_MODEL=instant needs no weights")
        return
    try:
        with ProgressBar() as bar:
            file = find_weights(settings.model, settings.model_cache, bar.show, offline=settings.model_offline)
            if settings.speakers:
                find_voices(settings.speakers, settings.model_cache, bar.show, offline=settings.model_offline)
        size = sum(part.stat().st_size for part in weight_files(file))
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    print(f"Whisper {settings.model}: present, {file} ({size / 2**20:.0f} MiB)")


if __name__ == "__main__":
    main()
