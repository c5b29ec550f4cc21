"""Streams in which several languages are spoken in turn, or whose first sound says nothing about what follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np

from bench.clips import Clip
from bench.cuts import QUIET, cut_answer
from bench.noise import coloured, cough, hum
from bench.this_engine import transcribe
from stt_worker.engines.base import Transcriber
from wire.audio import SAMPLE_RATE, Samples

SENTENCES = 8
"""Recordings of a stream with several languages."""
AFTER_OPENING = 2
"""Recordings behind a word, a hum or a cough."""
PAUSE_S = 1.2
"""Quiet between two recordings, more than the endpointer waits for."""
LONGEST_WORD_S = 0.8
"""Longest word that a stream begins with."""
COUGHS = (1, 2)
"""In a row, at the beginning of a stream."""


@dataclass(frozen=True)
class Said:
    """A part of a stream."""

    language: str
    """Empty for a hum or a cough."""
    audio: Samples
    judged: bool = True
    """False for an opening."""


Recordings = Mapping[str, Sequence[Clip]]
"""By language."""


def in_turn(recordings: Recordings, languages: Sequence[str], count: int) -> list[list[Clip]]:
    """Choose the recordings of streams: languages in turn, each recording once before any is repeated.

    Args:
        recordings: of all languages.
        languages: each stream begins with the next one.
        count: number of streams.
    """
    random = np.random.default_rng([ord(letter) for letter in "".join(languages)])
    endless = {
        language: cycle([recordings[language][index] for index in random.permutation(len(recordings[language]))])
        for language in languages
    }
    return [
        [next(endless[languages[(number + place) % len(languages)]]) for place in range(SENTENCES)]
        for number in range(count)
    ]


def join(parts: Sequence[Said]) -> tuple[Samples, list[tuple[int, int]]]:
    """Return a stream with quiet around the parts, and the samples at which each begins and ends."""
    pieces, spans, position = [], [], 0
    for number, part in enumerate(parts):
        quiet = coloured(1, PAUSE_S, QUIET, number)
        position += len(quiet)
        spans.append((position, position + len(part.audio)))
        pieces += [quiet, part.audio]
        position += len(part.audio)
    return np.concatenate([*pieces, coloured(1, PAUSE_S, QUIET, len(parts))]), spans


def index_at(spans: Sequence[tuple[int, int]], start: int, end: int) -> int:
    """Return the index of the part that most of the samples from ``start`` to ``end`` lie in."""
    common = [min(end, last) - max(start, first) for first, last in spans]
    return int(np.argmax(common))


def short_words(engine: Transcriber, recordings: Recordings, count: int) -> dict[str, list[Said]]:
    """Cut words of less than ``LONGEST_WORD_S`` from the ends of recordings, up to ``count`` in each language."""
    words: dict[str, list[Said]] = {}
    for language, clips in recordings.items():
        words[language] = []
        for clip in clips:
            if len(words[language]) == count:
                break
            audio = clip.audio()
            answer = cut_answer(clip, audio, transcribe(engine, audio, language), 1)
            if answer is not None and len(answer.voice) < LONGEST_WORD_S * SAMPLE_RATE:
                words[language].append(Said(language, answer.voice, judged=False))
    return words


def openings(words: Mapping[str, Sequence[Said]], language: str, number: int) -> dict[str, list[Said]]:
    """Return the openings of a stream in a language, by kind: without a word if no other language has one."""
    others = [each for other in sorted(words) if other != language for each in words[other]]
    first = {
        "hum": [Said("", hum(), judged=False)],
        "cough": [Said("", cough(number + again), judged=False) for again in range(COUGHS[number % len(COUGHS)])],
    }
    return {"word": [others[number * 7 % len(others)]]} | first if others else first
