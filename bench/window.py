"""Errors and cost of the silence that Whisper's encoder gets behind an utterance, and its choice over speakers.

Each recording is transcribed with each padding in turn, so that a slow minute of the machine affects all alike. For
the cross-validation the padding with the fewest errors is chosen on one half of the speakers, and its errors are
counted on the other half; both ways. Prints tables and writes ``bench-results/window.json``.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.clips import MANIFEST, WITHOUT_SPACES, Clip, error_name, mean_error_rate, read_manifest
from bench.results import print_header, write_results
from bench.this_engine import load_engine, transcribe

FULL = 29.0
"""Padding that fills the window of 30 s behind any utterance of more than a second."""
PADDINGS = (0.5, 1.0, 2.0, 4.0, FULL)
GROUPS = {"en": ("en",), "ko": ("ko",), "others": None}
"""Languages whose errors are reported together; None: all others that are written with spaces."""


@dataclass(frozen=True)
class Measured:
    """One recording with one padding."""

    clip: Clip
    text: str
    seconds: float


Results = dict[float, list[Measured]]
"""By padding."""


def measure(clips: list[Clip]) -> tuple[Results, str]:
    """Transcribe each clip with each padding; return the results and the engine's revision."""
    engines = {padding: load_engine(padding) for padding in PADDINGS}
    results: Results = defaultdict(list)
    for turn, clip in enumerate(track(clips, description="Clips")):
        audio, first = clip.audio(), turn % len(PADDINGS)
        for padding in (*PADDINGS[first:], *PADDINGS[:first]):
            start = time.perf_counter()
            text = transcribe(engines[padding], audio, clip.language).text
            results[padding].append(Measured(clip, text, time.perf_counter() - start))
    return results, engines[1.0].revision


def in_group(group: str, language: str) -> bool:
    """Return True if a language belongs to one of ``GROUPS``."""
    languages = GROUPS[group]
    if languages is None:
        return language not in ("en", "ko") and language not in WITHOUT_SPACES
    return language in languages


def halves(clips: Iterable[Clip]) -> tuple[set[str], set[str]]:
    """Divide the speakers into two halves, every second one of each language."""
    speakers = sorted({(clip.language, clip.speaker) for clip in clips})
    names = [name for _, name in speakers]
    return set(names[::2]), set(names[1::2]) - set(names[::2])


def errors(results: Sequence[Measured]) -> float:
    """Return the error rate over all results, each language weighted by its number of clips."""
    return mean_error_rate([(each.clip.language, each.clip.text, each.text) for each in results])


def cross_validated(results: Results) -> tuple[tuple[float, float], list[Measured], list[Measured]]:
    """Choose one padding for all languages on each half of the speakers.

    Of paddings with equal errors the shortest is chosen.

    Returns:
        The two paddings; then the results of each half with the padding that was chosen on the other one, and with the
        full window.
    """
    halves_of_speakers = halves(each.clip for each in results[FULL])
    paddings, chosen, full = [], [], []
    for choice, report in (halves_of_speakers, halves_of_speakers[::-1]):
        if not choice or not report:
            raise typer.BadParameter("The recordings are those of one speaker.")
        scores = {each: errors([one for one in results[each] if one.clip.speaker in choice]) for each in PADDINGS}
        padding = min(PADDINGS, key=scores.__getitem__)
        paddings.append(padding)
        chosen += [each for each in results[padding] if each.clip.speaker in report]
        full += [each for each in results[FULL] if each.clip.speaker in report]
    return (paddings[0], paddings[1]), chosen, full


def report(results: Results) -> dict[str, dict[str, object]]:
    """Return errors and seconds by group and padding, and the cross-validated errors."""
    stored: dict[str, dict[str, object]] = {}
    paddings, chosen, full = cross_validated(results)
    for group in GROUPS:
        measured = {
            padding: [each for each in all_of_it if in_group(group, each.clip.language)]
            for padding, all_of_it in results.items()
        }
        if not measured[FULL]:
            continue
        stored[group] = {
            "clips": len(measured[FULL]),
            "errors": {padding: round(errors(each), 4) for padding, each in measured.items()},
            "seconds": {padding: round(sum(one.seconds for one in each), 1) for padding, each in measured.items()},
            "chosen": paddings,
            "cross_validated": round(errors([each for each in chosen if in_group(group, each.clip.language)]), 4),
            "cross_validated_full_window": round(
                errors([each for each in full if in_group(group, each.clip.language)]), 4
            ),
        }
    return stored


def show(console: Console, results: Results, stored: dict[str, dict[str, object]]) -> None:
    """Print a table per group."""
    for group, figures in stored.items():
        languages = GROUPS[group]
        name = error_name(languages[0]).upper() if languages else "WER"
        table = Table(title=f"{group} ({figures['clips']} clips)")
        for column in ("padding", name, "seconds"):
            table.add_column(column, justify="right")
        for padding in PADDINGS:
            these = [each for each in results[padding] if in_group(group, each.clip.language)]
            seconds = sum(each.seconds for each in these)
            table.add_row(
                "full window" if padding == FULL else f"{padding} s", f"{errors(these):.1%}", f"{seconds:.0f}"
            )
        console.print(table)
        console.print(
            f"{figures['chosen']} s chosen on the halves of the speakers, counted on the others: "
            f"{figures['cross_validated']}; "
            f"full window: {figures['cross_validated_full_window']}\n"
        )


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds, speaker.")] = MANIFEST,
) -> None:
    """Measure paddings and write bench-results/window.json."""
    print_header(__doc__)
    clips = [clip for clip in read_manifest(manifest) if clip.text and clip.seconds < 30]
    results, revision = measure(clips)
    stored = report(results)
    show(Console(width=120), results, stored)
    write_results("window", {"revision": revision, **stored})


if __name__ == "__main__":
    typer.run(main)
