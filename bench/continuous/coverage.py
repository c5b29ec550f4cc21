"""The finals of a sentence: those whose audio holds a part of it."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from bench.continuous.streams import Sentence, Stream
from wire.audio import SAMPLE_RATE

SHARED_S = 0.2
"""Shortest part of a sentence's voice in an utterance that makes its text one of the sentence's finals."""


class Placed(Protocol):
    """A final with its place in the stream."""

    @property
    def begin(self) -> int:
        """First sample."""
        ...

    @property
    def end(self) -> int:
        """The sample after the last."""
        ...


AnyFinal = TypeVar("AnyFinal", bound=Placed)


def finals_of(sentence: Sentence, stream: Stream, finals: Sequence[AnyFinal]) -> list[AnyFinal]:
    """Return the finals that hold ``SHARED_S`` of a sentence's voice; of a very short one half."""
    spans = [each for each in stream.voice if sentence.begin <= each[0] < sentence.end]
    needed = min(SHARED_S * SAMPLE_RATE, sum(end - begin for begin, end in spans) / 2)

    def shared(final: AnyFinal) -> int:
        return sum(max(0, min(end, final.end) - max(begin, final.begin)) for begin, end in spans)

    return [final for final in finals if shared(final) >= needed]


def last_final(sentence: Sentence, finals: Sequence[AnyFinal]) -> AnyFinal | None:
    """Return the last final that begins before a sentence's end and reaches into it; None if there is none."""
    within = [final for final in finals if final.begin < sentence.end and final.end > sentence.begin]
    return within[-1] if within else None
