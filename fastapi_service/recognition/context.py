"""Pure: the speech before an utterance and its text, so that the utterance's text continues it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from fastapi_service.endpointing.events import Utterance
from infra.context import Context
from wire.audio import SAMPLE_BYTES, SAMPLE_RATE, ms_to_samples
from wire.messages.transcript import Word

MAX_GAP_S = 1.0
"""Longest silence between two utterances that belong together; the silence that is part of them (pre-roll, up to 0.5 s
behind the speech) does not count. After a longer one another sentence begins, which gains less than it costs."""
MIN_LOGPROB = -0.7
"""Mean log-probability from which a text is continued: a wrong one leads the next one astray."""
MIN_LANGUAGE_PROB = 0.5
"""The same for a language that was detected."""


class Text(Protocol):
    """A text with its certainty: that of a partial, or of a final result."""

    @property
    def text(self) -> str:
        """As in the messages."""
        ...

    @property
    def words(self) -> tuple[Word, ...]:
        """They are the text."""
        ...

    @property
    def language(self) -> str:
        """ISO 639 code."""
        ...

    @property
    def language_probability(self) -> float | None:
        """None if it was not detected."""
        ...

    @property
    def avg_logprob(self) -> float:
        """Mean of the tokens, ≤ 0."""
        ...


@dataclass
class _Said:
    segment: int
    utterance: Utterance
    text: Text | None = None
    """None: not known yet, or not certain enough."""

    @property
    def samples(self) -> int:
        return self.utterance.end - self.utterance.start


class History:
    """The newest utterances of one session, as many as a context needs."""

    def __init__(self, most_s: float) -> None:
        """Begin without utterances.

        Args:
            most_s: longest audio of a context, in seconds; 0: there is none.
        """
        self._most = round(most_s * SAMPLE_RATE)
        self._said: deque[_Said] = deque()

    def add(self, segment: int, utterance: Utterance) -> None:
        """Append an utterance that is over; its text is not known yet."""
        if not self._most:
            return
        self._said.append(_Said(segment, utterance))
        # The newest one is not part of its own context: all before it, but for the first, must not fill one.
        while sum(said.samples for said in list(self._said)[1:-1]) >= self._most:
            self._said.popleft()

    def note(self, segment: int, text: Text | None) -> None:
        """Note the text of an utterance; None: it has none that is shown."""
        for said in self._said:
            if said.segment == segment:
                said.text = text if text is not None and is_certain(text) else None

    def clear(self) -> None:
        """Forget all: what follows is of another language, or of other words."""
        self._said.clear()

    def before(self, segment: int, start: int) -> Context | None:
        """Return the context of an utterance that begins at a position; None if what is before it is not known."""
        pieces: list[Context] = []
        room = self._most
        for utterance, text in self._chain(segment, start):
            if utterance.end - utterance.start > room:
                if not pieces:
                    pieces += _end_of(utterance, text, room)
                break
            room -= utterance.end - utterance.start
            pieces.append(Context(utterance.pcm, text.text.strip(), text.language))
        pieces.reverse()
        pcm, words = b"".join(piece.pcm for piece in pieces), " ".join(piece.text for piece in pieces)
        return Context(pcm, words, pieces[0].language) if pieces else None

    def _chain(self, segment: int, start: int) -> Iterator[tuple[Utterance, Text]]:
        """Yield the utterances that lead to a position without a break, the newest first."""
        language = None
        for said in reversed([each for each in self._said if each.segment < segment]):
            segment -= 1
            is_next = said.segment == segment and start - said.utterance.end <= MAX_GAP_S * SAMPLE_RATE
            if not is_next or said.text is None or language not in {None, said.text.language}:
                return
            yield said.utterance, said.text
            start, language = said.utterance.start, said.text.language


def is_certain(text: Text) -> bool:
    """True if a text is certain enough to be continued."""
    probability = text.language_probability
    is_language_certain = probability is None or probability >= MIN_LANGUAGE_PROB
    return is_language_certain and bool(text.text.strip()) and text.avg_logprob >= MIN_LOGPROB


def _end_of(utterance: Utterance, text: Text, samples: int) -> list[Context]:
    """Return the last words of an utterance that are within some samples, with their audio; none if there are none."""
    earliest = utterance.end - samples
    kept = [word for word in text.words if ms_to_samples(word.start_ms) >= earliest]
    if not kept:
        return []
    begin = ms_to_samples(kept[0].start_ms) - utterance.start
    return [Context(utterance.pcm[begin * SAMPLE_BYTES :], "".join(word.text for word in kept).strip(), text.language)]
