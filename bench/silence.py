"""No text where nobody speaks, a text for the shortest answer, and memory that stays where it is.

Noises and recordings without speech are heard in pieces of 10 s, in English, Korean and with detection. Short answers
are the last one or two words of each recording, cut where the engine itself says that they begin: they end as answers
do. Then the engine hears utterances of all lengths, and its resident memory is fitted with a line. Prints tables and
writes ``bench-results/silence.json``.
"""

import json
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
from stt_worker.engines.base import Deadline, Hypothesis, RecognitionConfig, Transcriber
from stt_worker.load import load_transcriber
from stt_worker.settings import Settings
from stt_worker.tasks.transcript import is_speech
from wire.audio import SAMPLE_RATE, Samples

RESULTS = Path("bench-results/silence.json")
PIECE_S = 10
MINUTES_OF_ROOM = 30
LANGUAGES = ("en", "ko", None)
LONGEST_ANSWER_S = 1.2
MARGIN_S = 0.3
"""Room around a cut answer, as the endpointer leaves it."""
SETTLED = 200
"""Utterances after which memory should not grow: until then caches and pools do."""


def coloured(exponent: float, seconds: float, amplitude: float, seed: int) -> Samples:
    """Noise whose power falls with frequency to the ``exponent``: 0 is white, 1 is pink."""
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft(random.normal(size=round(seconds * SAMPLE_RATE)))
    frequency = np.fft.rfftfreq(round(seconds * SAMPLE_RATE), 1 / SAMPLE_RATE)
    spectrum *= np.maximum(frequency, 20.0) ** (-exponent / 2)
    noise = np.fft.irfft(spectrum, round(seconds * SAMPLE_RATE))
    scaled: Samples = (amplitude * noise / np.sqrt(np.mean(noise**2))).astype(np.float32)
    return scaled


def room(seed: int) -> Samples:
    """Ten seconds of a room: air, mains hum, and now and then a knock or the click of a key."""
    random = np.random.default_rng(seed)
    time = np.arange(PIECE_S * SAMPLE_RATE) / SAMPLE_RATE
    tone = coloured(1.0, PIECE_S, 10 ** random.uniform(-3.2, -1.8), seed)
    tone += (0.003 * np.sin(2 * np.pi * 50 * time) + 0.002 * np.sin(2 * np.pi * 150 * time)).astype(np.float32)
    for _ in range(random.poisson(1.5)):
        start, length = random.integers(0, 9 * SAMPLE_RATE), random.integers(80, 2_000)
        knock = random.normal(0, random.uniform(0.02, 0.2), length) * np.exp(-np.arange(length) / (length / 5))
        tone[start : start + length] += knock.astype(np.float32)
    return tone


def noises() -> dict[str, list[Samples]]:
    """Pieces by kind."""
    time = np.arange(PIECE_S * SAMPLE_RATE) / SAMPLE_RATE
    hum = np.sin(2 * np.pi * 50 * time) + 0.5 * np.sin(2 * np.pi * 150 * time) + 0.2 * np.sin(2 * np.pi * 250 * time)
    levels = (0.002, 0.01, 0.05, 0.2)
    return {
        "silence": [np.zeros(PIECE_S * SAMPLE_RATE, dtype=np.float32)],
        "white noise": [coloured(0, PIECE_S, level, seed) for seed, level in enumerate(levels)],
        "pink noise": [coloured(1, PIECE_S, level, seed) for seed, level in enumerate(levels)],
        "hum": [(level * hum).astype(np.float32) for level in levels],
        f"room, {MINUTES_OF_ROOM} min": [room(seed) for seed in range(MINUTES_OF_ROOM * 60 // PIECE_S)],
    }


def pieces(audio: Samples) -> Iterator[Samples]:
    for start in range(0, len(audio), PIECE_S * SAMPLE_RATE):
        yield audio[start : start + PIECE_S * SAMPLE_RATE]


def heard(engine: Transcriber, audio: Samples, language: str | None) -> Hypothesis:
    return engine.transcribe(audio, RecognitionConfig(language), Deadline.after(600))


def words(engine: Transcriber, audio: list[Samples], language: str | None) -> int:
    """Words that would be shown."""
    found = (heard(engine, each, language) for each in audio)
    return sum(len(each.text.split()) for each in found if is_speech(each))


def answers(engine: Transcriber, clips: list[Clip]) -> list[tuple[Clip, str, Samples]]:
    """The ends of recordings: clip, what is said, audio in a quiet room."""
    found = []
    for number, clip in enumerate(clips):
        audio = clip.audio()
        said = heard(engine, audio, clip.language).words
        count = 1 + number % 2
        if len(said) <= count or min(word.probability for word in said[-count:]) < 0.5:
            continue
        start_s = said[-count].start_s
        if not 0.2 <= len(audio) / SAMPLE_RATE - start_s <= LONGEST_ANSWER_S:
            continue
        quiet = coloured(1, MARGIN_S, 0.0005, number)
        cut = audio[round(start_s * SAMPLE_RATE) :]
        text = "".join(word.text for word in said[-count:]).strip()
        found.append((clip, text, np.concatenate([quiet, cut, quiet, quiet])))
    return found


def memory_slope(engine: Transcriber, clips: list[Clip], count: int) -> tuple[float, int]:
    """Growth in KB per utterance after the first ``SETTLED``, and MB at the end."""
    process, samples = psutil.Process(), [clip.audio() for clip in clips]
    random = np.random.default_rng(1)
    resident = []
    for _ in track(range(count), description="Memory"):
        audio = samples[random.integers(len(samples))]
        heard(engine, audio[: round(random.uniform(1, 12) * SAMPLE_RATE)], "en")
        resident.append(process.memory_info().rss / 1024)
    settled = resident[min(SETTLED, count // 2) :]
    return float(np.polyfit(range(len(settled)), settled, 1)[0]), round(resident[-1] / 1024)


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds.")] = MANIFEST,
    utterances: Annotated[int, typer.Option(help="How many to hear for the memory.")] = 1_000,
) -> None:
    """Measure what is heard in silence and in short answers, and write bench-results/silence.json."""
    clips = [clip for clip in read_manifest(manifest) if clip.seconds < 30]
    spoken = [clip for clip in clips if clip.text and clip.language in ("en", "ko")]
    engine = load_transcriber(Settings(model="base", device="cpu"))
    sounds = noises()
    sounds["recordings without speech"] = [
        piece for clip in read_manifest(manifest) if not clip.text for piece in pieces(clip.audio())
    ]
    table = Table(title="Words where nobody speaks")
    for column in ("sound", "seconds", *(language or "detected" for language in LANGUAGES)):
        table.add_column(column, justify="left" if column == "sound" else "right")
    invented = {}
    for kind, audio in track(sounds.items(), description="Noises"):
        invented[kind] = {language or "detected": words(engine, audio, language) for language in LANGUAGES}
        seconds = sum(len(each) for each in audio) / SAMPLE_RATE
        table.add_row(kind, f"{seconds:.0f}", *(str(count) for count in invented[kind].values()))
    short = answers(engine, spoken)
    lost = [
        (clip.file.name, text)
        for clip, text, audio in track(short, description="Answers")
        if not is_speech(heard(engine, audio, clip.language))
    ]
    slope, resident = memory_slope(engine, spoken, utterances)
    console = Console(width=120)
    console.print(table)
    console.print(f"Short answers kept: {len(short) - len(lost)} of {len(short)}; lost: {lost}")
    console.print(f"Memory: {slope:+.1f} KB per utterance over {utterances}, {resident} MB at the end")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps(
            {
                "words_without_speech": invented,
                "short_answers": {"heard": len(short) - len(lost), "of": len(short)},
                "memory": {"kb_per_utterance": round(slope, 2), "utterances": utterances, "mb": resident},
            },
            indent=2,
        )
        + "\n",
        encoding="utf-8",
    )
    print(f"written to {RESULTS}")


if __name__ == "__main__":
    typer.run(main)
