"""Pure: the results of an audience as the entries of a file, with speakers on one clock."""

import math
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from wire.messages.results import Final, SegmentFailed, Sentiment
from wire.messages.transcript import Word

NOT_TRANSCRIBED = "[not transcribed]"
_BLANKS = re.compile(r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+")
"""Also control characters, and what some programs take for the end of a line."""


class Speaker(NamedTuple):
    """A session in a file."""

    name: str | None
    """None if there is only one speaker."""
    offset_ms: int
    """From the session's own audio clock to the file's."""
    voices: Mapping[int, int] = {}
    """Number of a voice in finals → the voice that it turned out to be; empty if there are not several."""

    def named(self, result: Final | SegmentFailed) -> str | None:
        """Return the name of who said a result: one of several people at the session's microphone, if that is known."""
        voice = self.voices.get(result.voice or 0) if isinstance(result, Final) else None
        if voice is None:
            return self.name
        return f"{self.name}, voice {voice}" if self.name else f"Speaker {voice}"


class Speakers:
    """Assigns names and clock offsets. A single speaker has no name and keeps the session's clock.

    Several speakers are numbered in order of first appearance; the first result of each sets its clock.
    """

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        """Session → Unix seconds at which its audio clock began, in order of first appearance."""
        self._voices: defaultdict[str, dict[int, int]] = defaultdict(dict)
        """Session → number of a voice in finals → the voice that it turned out to be."""

    def note(self, result: Final | SegmentFailed) -> None:
        """Note a result; all of them must be noted before the first is written."""
        if isinstance(result, Final) and result.voice is not None:
            voices = self._voices[result.session_id]
            voices.setdefault(result.voice, result.voice)
            merged = result.merged_voices or {}
            voices.update({number: merged.get(voice, voice) for number, voice in voices.items()})
        if result.session_id not in self._began:
            clock = result.clock
            audio_end = clock.endpointed if clock.audio_end is None else clock.audio_end
            self._began[result.session_id] = audio_end - result.end_ms / 1000

    def by_session(self) -> dict[str, Speaker]:
        """Return the speaker of each session."""
        if len(self._began) == 1:
            return {session: Speaker(None, 0, self._several(session)) for session in self._began}
        earliest = min(self._began.values(), default=0.0)
        return {
            session: Speaker(f"Speaker {number}", half_up((began - earliest) * 1000), self._several(session))
            for number, (session, began) in enumerate(self._began.items(), start=1)
        }

    def _several(self, session: str) -> dict[int, int]:
        voices = self._voices.get(session, {})
        return voices if len({*voices.values()}) > 1 else {}


@dataclass(frozen=True)
class Entry:
    """An utterance as all formats need it; times are milliseconds on the file's clock."""

    start_ms: int
    end_ms: int
    speaker: str | None
    text: str
    """With single spaces, between words only."""
    language: str | None
    sentiment: Sentiment | None
    sentiment_reason: str | None
    words: tuple[Word, ...]
    failed: bool

    @classmethod
    def of(cls, result: Final | SegmentFailed, speaker: Speaker) -> "Entry":
        """Return the entry of a result."""
        final = result if isinstance(result, Final) else None
        return cls(
            start_ms=result.start_ms + speaker.offset_ms,
            end_ms=result.end_ms + speaker.offset_ms,
            speaker=speaker.named(result),
            text=plain_text(final.text) if final else NOT_TRANSCRIBED,
            language=final.language if final else None,
            sentiment=final.sentiment if final else None,
            sentiment_reason=final.sentiment_reason if final else None,
            words=tuple(_moved(word, speaker.offset_ms) for word in final.words) if final else (),
            failed=final is None,
        )

    @property
    def named_text(self) -> str:
        """The text after the speaker's name."""
        return f"{self.speaker}: {self.text}" if self.speaker else self.text


def plain_text(text: str) -> str:
    """Return a text with single spaces, between words only."""
    return _BLANKS.sub(" ", text).strip(" ")


def half_up(value: float) -> int:
    """Round as the page's JavaScript does; Python's ``round`` goes to the even neighbour."""
    return math.floor(value + 0.5)


def _moved(word: Word, offset_ms: int) -> Word:
    return word.model_copy(update={"start_ms": word.start_ms + offset_ms, "end_ms": word.end_ms + offset_ms})
