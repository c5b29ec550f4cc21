"""Pure: the speech before an utterance and its text, so that the utterance's text continues it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from fastapi_service.endpointing.events import Utterance
from infra.context import Context
from wire.audio import SAMPLE_BYTES, SAMPLE_RATE, ms_to_samples, samples_to_ms
from wire.languages import WITHOUT_SPACES
from wire.messages.transcript import Word

MAX_GAP_S = 1.0
"""Longest silence between two utterances that belong together; the silence that is part of them (pre-roll, 0.1 to 0.5 s
behind the speech) does not count. After a longer one another sentence begins, which gains less than it costs."""
MIN_LOGPROB = -0.7
"""Mean log-probability from which a text is continued: a wrong one leads the next one astray."""
MIN_LANGUAGE_PROB = 0.5
"""The same for a language that was detected."""
MAX_WORD_S = 4.0
"""Seconds from the end of one word to that of the next, in which words may be missing."""


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
class _Utterance:
    segment: int
    start: int
    end: int
    pcm: bytes
    """Its end, no longer than a context."""
    text: Text | None = None
    """None: not known yet, or not to be continued."""

    @property
    def samples(self) -> int:
        return self.end - self.start


class RecentSpeech:
    """The newest utterances of one session with their texts, as many as a context needs."""

    def __init__(self, most_s: float) -> None:
        """Begin without utterances.

        Args:
            most_s: longest audio of a context, in seconds; 0: there is none.
        """
        self._most = round(most_s * SAMPLE_RATE)
        self._utterances: deque[_Utterance] = deque()

    @property
    def is_kept(self) -> bool:
        """False if there is never a context."""
        return self._most > 0

    def add(self, segment: int, utterance: Utterance) -> None:
        """Append an utterance that is over; its text is not known yet."""
        if not self._most:
            return
        kept = utterance.pcm[-self._most * SAMPLE_BYTES :]
        self._utterances.append(_Utterance(segment, utterance.start, utterance.end, kept))
        # The newest one is not part of its own context: all before it, but for the first, must not fill one.
        while sum(each.samples for each in list(self._utterances)[1:-1]) >= self._most:
            self._utterances.popleft()

    def note(self, segment: int, text: Text | None) -> None:
        """Note the text of an utterance; None: it has none that is shown."""
        for utterance in self._utterances:
            if utterance.segment == segment:
                is_continued = text is not None and is_certain(text) and not _has_gaps(text, utterance)
                utterance.text = text if is_continued else None

    def clear(self) -> None:
        """Forget all: what follows is of another language, or of other words."""
        self._utterances.clear()

    def before(self, segment: int, start: int) -> Context | None:
        """Return the context of an utterance that begins at a position; None if what is before it is not known."""
        pieces: list[Context] = []
        room = self._most
        for utterance, text in self._chain(segment, start):
            if utterance.samples > room:
                pieces += _end_of(utterance, text, room) if not pieces else []
                break
            room -= utterance.samples
            pieces.append(Context(utterance.pcm, text.text.strip(), text.language))
        if not pieces:
            return None
        pieces.reverse()
        language = pieces[0].language
        space = "" if language in WITHOUT_SPACES else " "
        return Context(b"".join(piece.pcm for piece in pieces), space.join(piece.text for piece in pieces), language)

    def _chain(self, segment: int, start: int) -> Iterator[tuple[_Utterance, Text]]:
        """Yield the utterances that lead to a position without a break, the newest first."""
        language = None
        for utterance in reversed([each for each in self._utterances if each.segment < segment]):
            segment -= 1
            is_next = utterance.segment == segment and start - utterance.end <= MAX_GAP_S * SAMPLE_RATE
            if not is_next or utterance.text is None or language not in {None, utterance.text.language}:
                return
            yield utterance, utterance.text
            start, language = utterance.start, utterance.text.language


def is_certain(text: Text) -> bool:
    """True if a text is certain enough to be continued."""
    probability = text.language_probability
    is_language_certain = probability is None or probability >= MIN_LANGUAGE_PROB
    return is_language_certain and bool(text.text.strip()) and text.avg_logprob >= MIN_LOGPROB


def _has_gaps(text: Text, utterance: _Utterance) -> bool:
    """True if a text is not all that was said: as when it was a loop, of which one saying is left."""
    longest = MAX_WORD_S * 1000
    times = [samples_to_ms(utterance.start), *(word.end_ms for word in text.words), samples_to_ms(utterance.end)]
    return bool(text.words) and any(later - earlier > longest for earlier, later in pairwise(times))


def _end_of(utterance: _Utterance, text: Text, samples: int) -> list[Context]:
    """Return the last words of an utterance that are within some samples, with their audio; none if there are none."""
    kept = [word for word in text.words if ms_to_samples(word.start_ms) >= utterance.end - samples]
    if not kept:
        return []
    pcm = utterance.pcm[-(utterance.end - ms_to_samples(kept[0].start_ms)) * SAMPLE_BYTES :]
    return [Context(pcm, "".join(word.text for word in kept).strip(), text.language)]
