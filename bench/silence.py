"""Hallucinated words in noise, short answers that are kept, and growth of memory, with the engine alone.

Noises and recordings without speech are transcribed in pieces of 10 s, in English, Korean and with detection. Short
answers are the last one or two words of each recording, cut where the engine's word times say that they start. For the
memory, utterances of all lengths are transcribed and a line is fitted to the resident memory. Prints tables and writes
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
from bench.results import print_header, write_results
from stt_worker.engines.base import Hypothesis, RecognitionConfig, Transcriber
from stt_worker.engines.deadline import Deadline
from stt_worker.load import load_transcriber
from stt_worker.settings import Settings
from stt_worker.tasks.transcript import reason_not_shown
from wire.audio import SAMPLE_RATE, Samples

PIECE_S = 10
"""Seconds of audio transcribed at once."""
MINUTES_OF_ROOM = 30
LANGUAGES = ("en", "ko", None)
"""None: detected."""
LONGEST_ANSWER_S = 1.2
MARGIN_S = 0.3
"""Quiet before a cut answer, as the endpointer leaves it; twice that after it."""
WARM_UP = 200
"""Utterances in which caches and pools fill; the line is fitted after them."""


def coloured(exponent: float, seconds: float, amplitude: float, seed: int) -> Samples:
    """Make noise whose power falls with frequency to the ``exponent``: 0 is white, 1 is pink."""
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft(random.normal(size=round(seconds * SAMPLE_RATE)))
    frequency = np.fft.rfftfreq(round(seconds * SAMPLE_RATE), 1 / SAMPLE_RATE)
    spectrum *= np.maximum(frequency, 20.0) ** (-exponent / 2)
    noise = np.fft.irfft(spectrum, round(seconds * SAMPLE_RATE))
    scaled: Samples = (amplitude * noise / np.sqrt(np.mean(noise**2))).astype(np.float32)
    return scaled


def room(seed: int) -> Samples:
    """Make ten seconds of room noise: air, mains hum, and some knocks or key clicks."""
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
    """Make pieces of noise, by kind."""
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


def split_into_pieces(audio: Samples) -> Iterator[Samples]:
    """Yield ``PIECE_S`` at a time; the last piece may be shorter."""
    for start in range(0, len(audio), PIECE_S * SAMPLE_RATE):
        yield audio[start : start + PIECE_S * SAMPLE_RATE]


def transcribe(engine: Transcriber, audio: Samples, language: str | None) -> Hypothesis:
    """Transcribe without a time limit that matters."""
    return engine.transcribe(audio, RecognitionConfig(language), Deadline.after(600))


def is_shown(hypothesis: Hypothesis) -> bool:
    """True if clients would get the text."""
    return reason_not_shown(hypothesis, Settings().min_logprob) is None


def count_words(engine: Transcriber, audio: list[Samples], language: str | None) -> int:
    """Count the words that clients would get."""
    hypotheses = (transcribe(engine, each, language) for each in audio)
    return sum(len(each.text.split()) for each in hypotheses if is_shown(each))


def cut_answers(engine: Transcriber, clips: list[Clip]) -> list[tuple[Clip, str, Samples]]:
    """Cut the ends of recordings; return clip, text, and audio in a quiet room."""
    answers = []
    for number, clip in enumerate(clips):
        audio = clip.audio()
        words = transcribe(engine, audio, clip.language).words
        count = 1 + number % 2
        if len(words) <= count or min(word.probability for word in words[-count:]) < 0.5:
            continue
        start_s = words[-count].start_s
        if not 0.2 <= len(audio) / SAMPLE_RATE - start_s <= LONGEST_ANSWER_S:
            continue
        quiet = coloured(1, MARGIN_S, 0.0005, number)
        cut = audio[round(start_s * SAMPLE_RATE) :]
        text = "".join(word.text for word in words[-count:]).strip()
        answers.append((clip, text, np.concatenate([quiet, cut, quiet, quiet])))
    return answers


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
    """Measure noises, short answers and memory, and write bench-results/silence.json."""
    print_header(__doc__)
    clips = read_manifest(manifest)
    speech = [clip for clip in clips if clip.seconds < 30 and clip.text and clip.language in ("en", "ko")]
    engine = load_transcriber(Settings(model="base", device="cpu"))
    sounds = noises()
    sounds["recordings without speech"] = [
        piece for clip in clips if not clip.text for piece in split_into_pieces(clip.audio())
    ]
    words, table = measure_noises(engine, sounds)
    answers = cut_answers(engine, speech)
    lost = [
        (clip.file.name, text)
        for clip, text, audio in track(answers, description="Answers")
        if not is_shown(transcribe(engine, audio, clip.language))
    ]
    slope_kb, resident_mb = memory_slope(engine, speech, utterances)
    console = Console(width=120)
    console.print(table)
    console.print(f"Short answers kept: {len(answers) - len(lost)} of {len(answers)}; lost: {lost}")
    console.print(f"Memory: {slope_kb:+.1f} KB per utterance over {utterances}, {resident_mb} MB at the end")
    results = {
        "words_without_speech": words,
        "short_answers": {"heard": len(answers) - len(lost), "of": len(answers)},
        "memory": {"kb_per_utterance": round(slope_kb, 2), "utterances": utterances, "mb": resident_mb},
    }
    write_results("silence", results)


if __name__ == "__main__":
    typer.run(main)
