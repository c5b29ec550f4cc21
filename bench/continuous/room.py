"""Sentences with silence around them in a loud room: end of the utterance after the last word, and errors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.clips import error_name
from bench.continuous.coverage import last_final
from bench.continuous.played import Played
from bench.continuous.report import DIGITS, Figures
from bench.continuous.seams import Errors, count_errors
from bench.continuous.streams import Stream
from wire.audio import SAMPLE_RATE, Samples, to_float, to_int16

PAUSES_S = (3.0, 3.0)
"""Pause between two sentences."""
WITHIN_S = 1.0
"""The utterance is over this long after the last word."""
AROUND_S = (0.3, 0.5)
"""Noise before and behind a sentence as a file."""


@dataclass(frozen=True)
class InRoom:
    """The sentences of one speaker in one room."""

    ends_s: tuple[float | None, ...]
    """For each sentence, from its last word until its utterance is over; None: no utterance holds it."""
    errors: Errors
    file_errors: Errors
    """Those of the same mix with each sentence transcribed alone."""
    extra_finals: int
    """Texts without a sentence."""


def measure_room(stream: Stream, played: Played, transcribe: Callable[[Samples, str], str]) -> InRoom:
    """Judge one session.

    Args:
        stream: with the room's noise.
        played: through the live system.
        transcribe: returns the text of audio in a language.
    """
    before, behind = (round(seconds * SAMPLE_RATE) for seconds in AROUND_S)
    ends_s, file_errors = list[float | None](), Errors()
    for sentence in stream.sentences:
        last = last_final(sentence, played.finals)
        ends_s.append(None if last is None else last.decided_s - sentence.end / SAMPLE_RATE)
        file = to_float(to_int16(stream.audio[max(0, sentence.begin - before) : sentence.end + behind]))
        text = transcribe(file, stream.language)
        file_errors += count_errors(stream.language, sentence.text, text)
    extra = [
        final
        for final in played.shown
        if not any(final.begin < each.end and final.end > each.begin for each in stream.sentences)
    ]
    return InRoom(tuple(ends_s), count_errors(stream.language, stream.text, played.text), file_errors, len(extra))


def room_figures(language: str, speakers: Sequence[InRoom]) -> Figures:
    """Return the figures of one language and noise; errors are means over speakers."""
    ends = [each for speaker in speakers for each in speaker.ends_s]
    found, name = [each for each in ends if each is not None], error_name(language)
    return {
        "speakers": len(speakers),
        "sentences": len(ends),
        "ended_within_1_s": round(sum(each <= WITHIN_S for each in found) / len(ends), DIGITS),
        "end_p50_s": round(float(np.percentile(found, 50)), 3) if found else None,
        "end_p95_s": round(float(np.percentile(found, 95)), 3) if found else None,
        "without_utterance": len(ends) - len(found),
        "extra_finals": sum(speaker.extra_finals for speaker in speakers),
        name: round(float(np.mean([speaker.errors.rate or 0.0 for speaker in speakers])), 5),
        f"{name}_file": round(float(np.mean([speaker.file_errors.rate or 0.0 for speaker in speakers])), 5),
    }
