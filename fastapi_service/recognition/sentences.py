"""Pure: sentences inside a text that are over, for others follow them in it."""

from typing import NamedTuple

from fastapi_service.endpointing.endpointer import Endpointer
from fastapi_service.endpointing.events import Event, Utterance
from fastapi_service.recognition.context import is_certain
from wire.audio import ms_to_samples
from wire.messages.jobs import Partial, TranscribePartial
from wire.messages.transcript import Transcript, Word
from wire.sentence_ends import is_finished, is_title

WORDS_BEHIND, LETTERS_BEHIND = 2, 4
"""Least words and letters behind a mark that make it the end of a sentence: of fewer, Whisper guesses them."""


class Seam(NamedTuple):
    """The place between two sentences of a text."""

    words: int
    """Words before it."""
    begin: int
    """Position at which the last of them ends, at 16 kHz."""
    end: int
    """Position at which the next one begins."""


def last_seam(text: Transcript) -> Seam | None:
    """Return the last place in a text at which a sentence is over and more is said; None if there is none."""
    words = text.words
    if not is_certain(text):
        return None
    for count in range(len(words) - WORDS_BEHIND, 0, -1):
        last = words[count - 1].text
        if is_finished(last) and not is_title(last) and _letters(words[count:]) >= LETTERS_BEHIND:
            return Seam(count, ms_to_samples(words[count - 1].end_ms), ms_to_samples(words[count].start_ms))
    return None


def end_inside(
    endpointer: Endpointer, start: int, text: Transcript, until: int, arrived: float
) -> tuple[Utterance, list[Event], int] | None:
    """End the sentences of a text that others follow.

    Args:
        endpointer: of the stream.
        start: of the utterance.
        text: up to ``until``, where there is speech.
        until: position in the stream.
        arrived: as for ``Endpointer.feed``.

    Returns:
        the utterance, the events of the rest, and the number of words before it; None if nothing is over.
    """
    if (seam := last_seam(text)) is None:
        return None
    ended = endpointer.end_between(start, (seam.begin, min(seam.end, until)), until, arrived)
    return None if ended is None else (*ended, seam.words)


def _letters(words: tuple[Word, ...]) -> int:
    return sum(character.isalnum() for word in words for character in word.text)


def divide(partial: Partial, words: int) -> tuple[Partial, Partial]:
    """Divide a text between two sentences: its first words, and the others, which the evidence of the end is about."""
    text = partial.transcript
    assert text is not None
    over, rest = (
        text.model_copy(update={"words": part, "text": "".join(word.text for word in part).strip()})
        for part in (text.words[:words], text.words[words:])
    )
    return (
        partial.model_copy(update={"transcript": over, "sentence_end": None}),
        partial.model_copy(update={"transcript": rest.model_copy(update={"continues": False})}),
    )


class KnownText(NamedTuple):
    """A request whose text is there: part of that of another request."""

    job: TranscribePartial
    partial: Partial

    @property
    def done(self) -> bool:
        """True."""
        return True

    async def result(self) -> Partial:
        """Return the text."""
        return self.partial

    async def withdraw(self) -> bool:
        """Return False: a worker had it."""
        return False

    def drop(self) -> None:
        """Do nothing."""
