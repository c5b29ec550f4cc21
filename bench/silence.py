"""Hallucinated words in noise, and growth of memory, with the engine alone.

Noises and recordings without speech are transcribed in pieces of 10 s, in six languages and with detection. For the
memory, utterances of all lengths are transcribed and a line is fitted to the resident memory. Prints a table and writes
``bench-results/silence.json``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.clips import MANIFEST, Clip, read_manifest
from bench.noise import PIECE_S, noises
from bench.results import print_header, write_results
from bench.this_engine import is_shown, load_engine, transcribe
from stt_worker.engines.base import Transcriber
from wire.audio import SAMPLE_RATE, Samples

LANGUAGES = ("en", "ko", "de", "fr", "ja", "zh", None)
"""None: detected."""
WARM_UP = 1_000
"""Utterances in which caches and pools fill, or half of them if there are fewer; the line is fitted after them. After
700, oneDNN has what it keeps for each shape of the windows, 30 MB."""


def split_into_pieces(audio: Samples) -> Iterator[Samples]:
    """Yield ``PIECE_S`` at a time; the last piece may be shorter."""
    for start in range(0, len(audio), PIECE_S * SAMPLE_RATE):
        yield audio[start : start + PIECE_S * SAMPLE_RATE]


def count_words(engine: Transcriber, audio: list[Samples], language: str | None) -> int:
    """Count the words that clients would get."""
    hypotheses = (transcribe(engine, each, language) for each in audio)
    return sum(len(each.text.split()) for each in hypotheses if is_shown(each))


def memory_slope(engine: Transcriber, clips: list[Clip], count: int) -> tuple[float, int]:
    """Return the growth in KiB per utterance after the first ``WARM_UP``, and MiB at the end."""
    process, recordings = psutil.Process(), [clip.audio() for clip in clips]
    random = np.random.default_rng(1)
    resident = []
    for _ in track(range(count), description="Memory"):
        audio = recordings[random.integers(len(recordings))]
        transcribe(engine, audio[: round(random.uniform(1, 12) * SAMPLE_RATE)], "en")
        resident.append(process.memory_info().rss / 1024)
    settled = resident[min(WARM_UP, count // 2) :]
    return float(np.polyfit(range(len(settled)), settled, 1)[0]), round(resident[-1] / 1024)


def measure_noises(engine: Transcriber, sounds: dict[str, list[Samples]]) -> tuple[dict[str, dict[str, int]], Table]:
    """Count the words in each kind of sound, by language; also as a table."""
    table = Table(title="Words without speech")
    for column in ("sound", "seconds", *(language or "detected" for language in LANGUAGES)):
        table.add_column(column, justify="left" if column == "sound" else "right")
    words = {}
    for kind, audio in track(sounds.items(), description="Noises"):
        words[kind] = {language or "detected": count_words(engine, audio, language) for language in LANGUAGES}
        seconds = sum(len(each) for each in audio) / SAMPLE_RATE
        table.add_row(kind, f"{seconds:.0f}", *(str(count) for count in words[kind].values()))
    return words, table


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds.")] = MANIFEST,
    utterances: Annotated[int, typer.Option(help="Utterances transcribed for the memory.")] = 1_000,
) -> None:
    """Measure noises and memory, and write bench-results/silence.json."""
    print_header(__doc__)
    clips = read_manifest(manifest)
    speech = [clip for clip in clips if clip.seconds < 30 and clip.text and clip.language in ("en", "ko")]
    engine = load_engine()
    sounds = noises()
    sounds["recordings without speech"] = [
        piece for clip in clips if not clip.text for piece in split_into_pieces(clip.audio())
    ]
    words, table = measure_noises(engine, sounds)
    slope_kb, resident_mb = memory_slope(engine, speech, utterances)
    console = Console(width=120)
    console.print(table)
    console.print(f"Memory: {slope_kb:+.1f} KB per utterance over {utterances}, {resident_mb} MB at the end")
    results = {
        "words_without_speech": words,
        "memory": {"kb_per_utterance": round(slope_kb, 2), "utterances": utterances, "mb": resident_mb},
    }
    write_results("silence", results)


if __name__ == "__main__":
    typer.run(main)
