"""Short answers and repetitions: words kept, words written too often, and errors beside Whisper's full window.

Short answers are the last one or two words of recordings, at several levels, after some quiet and at the very start of
a stream, as the gateway cuts them. Repetitions are the first one to three words of recordings, 2 to 12 times, before
their rest. All are cut where a word's time says so, and only where the reference has the same words. The full window is
``whisper.transcribe`` with the same weights. Prints tables and writes ``bench-results/short.json``.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import jiwer
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.clips import MANIFEST, Clip, mean_error_rate, normalised_units, read_manifest
from bench.cuts import RepeatedWords, ShortAnswer, cut_answer, repeat_beginning
from bench.results import print_header, write_results
from bench.stt_engines import Run, utterances, whisper_library
from bench.this_engine import is_shown, load_engine, transcribe
from stt_worker.engines.base import Transcriber
from wire.audio import Samples

CONDITIONS: dict[str, tuple[float | None, float]] = {
    "as recorded": (None, 0.5),
    "at the very start": (None, 0.0),
    "−20 dBFS": (-20.0, 0.5),
    "−30 dBFS": (-30.0, 0.5),
    "−45 dBFS": (-45.0, 0.5),
    "−45 dBFS at the start": (-45.0, 0.0),
    "−50 dBFS": (-50.0, 0.5),
}
"""Level of an answer (None: as recorded), and seconds of quiet before it."""


@dataclass(frozen=True)
class Answered:
    """One short answer at one level."""

    answer: ShortAnswer
    text: str
    """Text that clients would get."""
    full_window: str

    @property
    def is_doubled(self) -> bool:
        """True if the same words are written twice or more in a row, and were not said so."""
        said, written = (normalised_units(self.answer.clip.language, text) for text in (self.answer.text, self.text))
        return is_repetition(written) and not is_repetition(said)


def is_repetition(units: list[str]) -> bool:
    """Return True if a text is nothing but some words several times."""
    return any(units == units[:length] * (len(units) // length) for length in range(1, len(units) // 2 + 1))


def shown_text(engine: Transcriber, stream: Samples, language: str) -> str:
    """Return the text that clients would get for a stream, as the gateway cuts it."""
    hypotheses = (transcribe(engine, each, language) for each in utterances(stream))
    return " ".join(each.text for each in hypotheses if is_shown(each))


def sayings_and_lost(stream: RepeatedWords, text: str) -> tuple[float, int]:
    """Return how often the words were written, by their number, and how many of the words behind them are missing."""
    language = stream.clip.language
    phrase, rest = (normalised_units(language, each) for each in (stream.phrase, stream.rest))
    written = normalised_units(language, text)
    begin, lost, end_of_phrases = stream.count * len(phrase), 0, len(written)
    said = phrase * stream.count + rest
    for chunk in reversed(jiwer.process_words(" ".join(said), " ".join(written)).alignments[0]):
        behind = chunk.ref_end_idx - max(chunk.ref_start_idx, begin)
        if behind > 0 and chunk.type == "delete":
            lost += behind
        elif behind > 0 and chunk.type != "insert":
            end_of_phrases = chunk.hyp_end_idx - behind
    return count_sayings(written[:end_of_phrases], len(phrase)), lost


def count_sayings(units: list[str], length: int) -> float:
    """Return how often the same units are written, or, if nothing repeats itself, how many times ``length`` of them.

    The last saying may be cut short, and one unit at either end may belong to something else.
    """
    for period in range(1, len(units) // 2 + 1):
        for first in (0, 1):
            part = units[first:]
            if all(one == other for one, other in zip(part, part[period:-1] or part[period:], strict=False)):
                return round(len(part) / period)
    return len(units) / length


def measure_answers(engine: Transcriber, whisper: Run, answers: list[ShortAnswer]) -> dict[str, list[Answered]]:
    """Transcribe each answer at each level, by condition."""
    results: dict[str, list[Answered]] = defaultdict(list)
    for number, answer in enumerate(track(answers, description="Short answers")):
        for condition, (level_db, lead_s) in CONDITIONS.items():
            stream, language = answer.at(level_db, lead_s, number), answer.clip.language
            text, full = shown_text(engine, stream, language), whisper(stream, language)[0]
            results[condition].append(Answered(answer, text, full))
    return dict(results)


def errors(results: list[Answered], *, full_window: bool) -> float:
    """Return the error rate over all languages, each weighted by its number of answers."""
    return mean_error_rate(
        [
            (each.answer.clip.language, each.answer.text, each.full_window if full_window else each.text)
            for each in results
        ]
    )


def cut_all(engine: Transcriber, clips: list[Clip]) -> tuple[list[ShortAnswer], list[RepeatedWords]]:
    """Cut short answers and repetitions from all clips in which the words are understood."""
    answers, streams = [], []
    for number, clip in enumerate(track(clips, description="Cutting")):
        audio = clip.audio()
        hypothesis = transcribe(engine, audio, clip.language)
        if answer := cut_answer(clip, audio, hypothesis, 1 + number % 2):
            answers.append(answer)
        if stream := repeat_beginning(clip, audio, hypothesis, number):
            streams.append(stream)
    return answers, streams


def answers_table(results: dict[str, list[Answered]]) -> Table:
    """Show kept and doubled answers and errors by level."""
    table = Table(title="Short answers")
    for column in ("level", "answers", "kept", "doubled", "errors", "errors, full window"):
        table.add_column(column, justify="left" if column == "level" else "right")
    for level, answered in results.items():
        rates = (f"{errors(answered, full_window=full):.1%}" for full in (False, True))
        kept, doubled = sum(bool(each.text) for each in answered), sum(each.is_doubled for each in answered)
        table.add_row(level, str(len(answered)), str(kept), str(doubled), *rates)
    return table


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds.")] = MANIFEST,
) -> None:
    """Measure short answers and repetitions and write bench-results/short.json."""
    print_header(__doc__)
    engine, whisper, console = load_engine(), whisper_library(), Console(width=120)
    console.print(f"Number formats: {engine.revision}\n")
    answers, streams = cut_all(engine, [clip for clip in read_manifest(manifest) if clip.text and clip.seconds < 30])
    if not answers or not streams:
        raise typer.BadParameter(f"In {manifest} no words were understood that could be cut.")
    by_level = measure_answers(engine, whisper, answers)
    answered = [each for level in by_level.values() for each in level]
    repeated = []
    for stream in track(streams, description="Repetitions"):
        text = shown_text(engine, stream.audio, stream.clip.language)
        repeated.append((stream, text, *sayings_and_lost(stream, text)))
    console.print(answers_table(by_level))
    for stream, text, sayings, lost in repeated:
        if lost or abs(sayings - stream.count) > 1:
            console.print(f"{stream.clip.file.name}: {stream.count} × {stream.phrase}: {text}", markup=False)
    for each in answered:
        if not each.text or each.is_doubled:
            console.print(f"{each.answer.clip.file.name}: {each.answer.text}: {each.text}", markup=False)
    results = {
        "numerics": engine.revision,
        "answers": len(answered),
        "kept": round(sum(bool(each.text) for each in answered) / len(answered), 4),
        "doubled": round(sum(each.is_doubled for each in answered) / len(answered), 4),
        "wer": round(errors(answered, full_window=False), 4),
        "wer_full_window": round(errors(answered, full_window=True), 4),
        "repetitions": len(repeated),
        "after_repetition_kept": round(sum(not lost for *_, lost in repeated) / len(repeated), 4),
        "count_within_one": round(sum(abs(n - stream.count) <= 1 for stream, _, n, _ in repeated) / len(repeated), 4),
    }
    console.print(results)
    write_results("short", results)


if __name__ == "__main__":
    typer.run(main)
