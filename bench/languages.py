"""Languages in sessions that name none: share of sentences in their own language where several are spoken in turn.

Streams are recordings of two to four languages in turn; others begin with a short word of another language, a hum or a
cough. They are cut as the gateway cuts them, and the language of each utterance is detected as a worker does it, after
the language of those before it. Utterances with less than two seconds of speech are not judged. Prints tables and the
mistakes, and writes ``bench-results/languages.json``.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.clips import MANIFEST, read_manifest
from bench.results import print_header, write_results
from bench.session import Session
from bench.stt_engines import cut
from bench.this_engine import load_engine
from bench.turns import AFTER_OPENING, Recordings, Said, in_turn, index_at, join, openings, short_words
from fastapi_service.endpointing.endpointer import EndpointerOptions
from fastapi_service.endpointing.events import Utterance
from stt_worker.engines.base import Hypothesis, Transcriber
from wire.audio import SAMPLE_RATE, decode_pcm, to_float

COMBINATIONS = (("en", "ko"), ("en", "de"), ("en", "fr"), ("ko", "de"), ("en", "ko", "de", "fr"))
"""Languages that are spoken in turn."""
CLIP_S = (2.0, 12.0)
"""Shortest and longest recording."""
MIN_S = 2.0
"""Speech of an utterance from which its language is judged."""
SURE = 0.5
"""Probability from which a language is not called unsure."""


@dataclass(frozen=True)
class Result:
    """An utterance with enough speech, and its transcription."""

    said: str
    """Language of the recording that it is from."""
    hypothesis: Hypothesis
    shown: bool
    """True if clients would get the text."""

    @property
    def is_right(self) -> bool:
        """True if it is shown, in its own language."""
        return self.shown and self.hypothesis.language == self.said

    @property
    def is_wrong(self) -> bool:
        """True if it is shown in another language."""
        return self.shown and self.hypothesis.language != self.said

    @property
    def is_sure(self) -> bool:
        """True if the language is not called unsure."""
        return (self.hypothesis.language_probability or 0.0) >= SURE


def speech_s(utterance: Utterance) -> float:
    """Return the seconds of an utterance without the silence around its speech."""
    return (utterance.end - utterance.silence - utterance.start) / SAMPLE_RATE - EndpointerOptions().pre_roll_ms / 1000


def run_session(engine: Transcriber, parts: Sequence[Said]) -> Iterator[Result]:
    """Transcribe a stream as one session, and yield the utterances whose language is judged."""
    stream, spans = join(parts)
    session = Session(engine)
    for utterance in cut(stream):
        hypothesis = session.transcribe(to_float(decode_pcm(utterance.pcm)))
        shown = session.keep(hypothesis)
        said = parts[index_at(spans, utterance.start, utterance.end)]
        if said.judged and speech_s(utterance) >= MIN_S:
            yield Result(said.language, hypothesis, shown)


def figures(results: Sequence[Result]) -> dict[str, object]:
    """Return the counts and shares of some results."""
    wrong = [each for each in results if each.is_wrong]
    return {
        "sentences": len(results),
        "own_language": round(sum(each.is_right for each in results) / len(results), 4) if results else None,
        "wrong": len(wrong),
        "wrong_and_sure": sum(each.is_sure for each in wrong),
        "not_shown": sum(not each.shown for each in results),
        "right_and_unsure": sum(each.is_right and not each.is_sure for each in results),
    }


def report(by_kind: Mapping[str, Sequence[Result]]) -> dict[str, object]:
    """Return the figures of each kind of stream, of each language, and how often which language was taken for which."""
    everything = [each for results in by_kind.values() for each in results]
    mistakes = Counter(f"{each.said} → {each.hypothesis.language}" for each in everything if each.is_wrong)
    spoken = sorted({each.said for each in everything})
    return {
        "all": figures(everything),
        "streams": {kind: figures(results) for kind, results in by_kind.items()},
        "languages": {said: figures([each for each in everything if each.said == said]) for said in spoken},
        "confusions": dict(mistakes.most_common()),
    }


def table_of(title: str, rows: Mapping[str, Sequence[Result]]) -> Table:
    """Show the figures of several sets of results."""
    table = Table(title=title)
    names = ("sentences", "own_language", "wrong", "wrong_and_sure", "not_shown", "right_and_unsure")
    for column in ("", *(name.replace("_", " ") for name in names)):
        table.add_column(column, justify="right" if column else "left")
    for name, results in rows.items():
        row = figures(results)
        share = f"{sum(each.is_right for each in results) / len(results):.1%}" if results else ""
        table.add_row(name, *(share if key == "own_language" else str(row[key]) for key in names))
    return table


def measure(engine: Transcriber, recordings: Recordings, streams: int) -> dict[str, list[Result]]:
    """Run all sessions, and return their results by the kind of stream."""
    sessions: list[tuple[str, list[Said]]] = []
    for languages in COMBINATIONS:
        if set(languages) <= recordings.keys():
            sessions += [
                (" ".join(languages), [Said(clip.language, clip.audio()) for clip in chosen])
                for chosen in in_turn(recordings, languages, streams)
            ]
    words = short_words(engine, recordings, streams)
    for language, clips in recordings.items():
        for number in range(streams):
            behind = [clips[(AFTER_OPENING * number + place) % len(clips)] for place in range(AFTER_OPENING)]
            sentences = [Said(language, clip.audio()) for clip in behind]
            for kind, opening in openings(words, language, number).items():
                sessions.append((f"after a {kind}", [*opening, *sentences]))
    results: dict[str, list[Result]] = {}
    for kind, parts in track(sessions, description="Sessions"):
        results.setdefault(kind, []).extend(run_session(engine, parts))
    return results


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds.")] = MANIFEST,
    streams: Annotated[int, typer.Option(help="Streams of each kind.", min=1)] = 6,
) -> None:
    """Measure the languages of sentences and write bench-results/languages.json."""
    print_header(__doc__)
    spoken = sorted({language for languages in COMBINATIONS for language in languages})
    clips = [clip for clip in read_manifest(manifest) if clip.text and CLIP_S[0] <= clip.seconds <= CLIP_S[1]]
    recordings = {
        language: these for language in spoken if (these := [clip for clip in clips if clip.language == language])
    }
    engine, console = load_engine(), Console(width=120)
    console.print(f"Number formats: {engine.revision}\n")
    by_kind = measure(engine, recordings, streams)
    everything = [each for results in by_kind.values() for each in results]
    console.print(table_of("By stream", by_kind))
    said = {language: [each for each in everything if each.said == language] for language in recordings}
    console.print(table_of("By language", said | {"all": everything}))
    for each in everything:
        if not each.is_right:
            found, probability = each.hypothesis.language, each.hypothesis.language_probability or 0.0
            shown = "" if each.shown else " (not shown)"
            console.print(f"{each.said} → {found} {probability:.2f}{shown}: {each.hypothesis.text}", markup=False)
    write_results("languages", {"numerics": engine.revision, **report(by_kind)})


if __name__ == "__main__":
    typer.run(main)
