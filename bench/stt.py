"""Speech to text alone: speed and errors of this engine beside whisper and faster-whisper, with the same weights.

Each engine has a process of its own with all cores. One works at a time, and they take turns clip by clip, so that a
slow minute of the machine affects all alike. Prints tables and writes ``bench-results/stt.json``. With ``--weakest``
no engine uses an instruction beyond AVX2, and the file is ``stt-avx2.json``.
"""

import multiprocessing
import os
import resource
import statistics
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.clips import MANIFEST, Clip, error_name, error_rate, read_manifest
from bench.results import AVX2_ONLY, print_header, write_results
from bench.stt_engines import (
    ENGINES,
    FASTER,
    FASTER_BEAM,
    OURS,
    WHISPER,
    Run,
    ThisEngine,
    ctranslate2_model,
    load_engine,
)

BUCKETS = {"≤ 4 s": (0.0, 4.0), "4–10 s": (4.0, 10.0), "> 10 s": (10.0, 1e9)}
CALM_S = 0.3
"""Pause before each turn: OpenMP's threads go on spinning for 0.2 s after their work, on the next engine's cores."""


@dataclass(frozen=True)
class Measured:
    """One engine on one clip."""

    clip: Clip
    text: str
    seconds: float
    fallbacks: int


_run: Run
"""The engine of a child process."""


def _load(engine: str) -> None:
    global _run  # noqa: PLW0603 - one per process: a pool's initializer can return nothing
    _run = load_engine(engine)
    _run(Clip(Path("tests/data/lobster.wav"), "en", "", 0.0).audio(), "en")


def _measure(clip: Clip) -> Measured:
    audio = clip.audio()
    time.sleep(CALM_S)
    start = time.perf_counter()
    text, fallbacks = _run(audio, clip.language)
    return Measured(clip, text, time.perf_counter() - start, fallbacks)


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def _revision() -> str:
    assert isinstance(_run, ThisEngine)
    return _run.revision


def measure(clips: list[Clip]) -> tuple[dict[str, list[Measured]], dict[str, int], str]:
    """Return each engine's measurements, one per clip, its peak memory in MiB, and the revision of this engine."""
    ctranslate2_model()
    context = multiprocessing.get_context("spawn")
    pools = {
        engine: ProcessPoolExecutor(1, mp_context=context, initializer=_load, initargs=(engine,)) for engine in ENGINES
    }
    results: dict[str, list[Measured]] = defaultdict(list)
    for turn, clip in enumerate(track(clips, description="Clips")):
        first = turn % len(ENGINES)
        for engine in (*ENGINES[first:], *ENGINES[:first]):
            results[engine].append(pools[engine].submit(_measure, clip).result())
    peaks = {engine: pool.submit(_peak_mb).result() for engine, pool in pools.items()}
    revision = pools[OURS].submit(_revision).result()
    for pool in pools.values():
        pool.shutdown()
    return results, peaks, revision


def speedup(results: dict[str, list[Measured]], over: str, language: str, bucket: tuple[float, float]) -> float | None:
    """Return the seconds of another engine per second of ours, over all clips of a language and length with speech.

    In silence nothing is decoded here, which would flatter.
    """

    def total(engine: str) -> float:
        low, high = bucket
        return sum(
            each.seconds
            for each in results[engine]
            if each.clip.text and each.clip.language == language and low < each.clip.seconds <= high
        )

    return round(total(over) / total(OURS), 2) if total(OURS) else None


def errors(results: list[Measured], language: str) -> float:
    """Return the error rate over all clips of a language that have a text."""
    spoken = [each for each in results if each.clip.language == language and each.clip.text]
    return round(error_rate(language, [each.clip.text for each in spoken], [each.text for each in spoken]), 5)


def report(results: dict[str, list[Measured]], peaks: dict[str, int], revision: str) -> dict[str, object]:
    """Return the content of the results file: per language, then over all of them."""
    stored: dict[str, object] = {}
    for language in sorted({each.clip.language for each in results[OURS] if each.clip.text}):
        name = error_name(language)
        ours = [each for each in results[OURS] if each.clip.text and each.clip.language == language]
        stored[language] = {
            "clips": len(ours),
            name: errors(results[OURS], language),
            f"{name}_full_window": errors(results[WHISPER], language),
            f"{name}_faster_whisper": errors(results[FASTER], language),
            f"{name}_faster_whisper_beam_5": errors(results[FASTER_BEAM], language),
            "seconds": round(sum(each.seconds for each in ours), 2),
            "fallbacks": sum(each.fallbacks for each in ours),
            "speedup_vs_whisper": speedup(results, WHISPER, language, (0.0, 1e9)),
            "speedup_vs_faster_whisper": speedup(results, FASTER, language, (0.0, 1e9)),
            "speedup_le_4s": speedup(results, FASTER, language, BUCKETS["≤ 4 s"]),
            "speedup_4_to_10s": speedup(results, FASTER, language, BUCKETS["4–10 s"]),
            "speedup_gt_10s": speedup(results, FASTER, language, BUCKETS["> 10 s"]),
        }
    stored["revision"] = revision
    stored["peak_mb"] = peaks
    stored["words_without_speech"] = {
        engine: sum(len(each.text.split()) for each in results[engine] if not each.clip.text) for engine in ENGINES
    }
    return stored


def show(console: Console, results: dict[str, list[Measured]], stored: dict[str, object]) -> None:
    """Print a table for each language."""
    for language in sorted({each.clip.language for each in results[OURS] if each.clip.text}):
        table = Table(title=f"{language}: seconds per clip (median), × this engine")
        for column in ("engine", error_name(language).upper(), *BUCKETS, "all"):
            table.add_column(column, justify="left" if column == "engine" else "right")
        for engine in ENGINES:
            cells = []
            for low, high in (*BUCKETS.values(), (0.0, 1e9)):
                seconds = [
                    each.seconds
                    for each in results[engine]
                    if each.clip.text and each.clip.language == language and low < each.clip.seconds <= high
                ]
                ratio = speedup(results, engine, language, (low, high))
                cells.append(f"{statistics.median(seconds):.2f}  {ratio:.1f}×" if seconds else "")
            table.add_row(engine, f"{errors(results[engine], language):.2%}", *cells)
        console.print(table)
    console.print({name: stored[name] for name in ("revision", "peak_mb", "words_without_speech")})


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds.")] = MANIFEST,
    language: Annotated[list[str] | None, typer.Option(help="Only these languages; may be repeated.")] = None,
    weakest: Annotated[bool, typer.Option("--weakest", help="Use no instructions beyond AVX2.")] = False,
) -> None:
    """Measure speech to text and write bench-results/stt.json or stt-avx2.json."""
    print_header(__doc__)
    clips = [clip for clip in read_manifest(manifest) if not language or clip.language in language]
    if not clips:
        raise typer.BadParameter(f"{manifest} has no clips in these languages.")
    if weakest:
        os.environ.update(AVX2_ONLY)  # before the processes of the engines begin
    results, peaks, revision = measure(clips)
    stored = report(results, peaks, revision)
    show(Console(), results, stored)
    write_results("stt-avx2" if weakest else "stt", stored)


if __name__ == "__main__":
    typer.run(main)
