"""Pure: the results of an audience as the entries of a file, with speakers on one clock."""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from wcwidth import wcswidth

from fastapi_service.export.sentences import Said
from wire.messages import base
from wire.messages.results import Final, SegmentFailed, Sentiment
from wire.messages.transcript import Word

NOT_TRANSCRIBED = "[not transcribed]"
SHORT_COLUMNS = 16
"""Width of a name in subtitles."""
_BLANKS = re.compile(r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+")
"""Also control characters, and what some programs take for the end of a line."""


class Speaker(NamedTuple):
    """A session in a file."""

    name: str | None
    """Name, or a number; None if there is only one person, without a name."""
    offset_ms: int
    """From the session's own audio clock to the file's."""
    person: str | None = None
    """Public id; None from services older than names."""
    role: str | None = None
    short_name: str | None = None
    """The name for a line of subtitles."""
    voices: Mapping[int, int] = {}
    """Number of a voice in finals → the voice that it turned out to be."""
    named_before: int = 0
    """Highest number in the names of voices of the person's earlier sessions: none of them need be the same."""

    def voice(self, result: Final | SegmentFailed) -> int | None:
        """Return the voice of a result; None if it is not known."""
        return self.voices.get(result.voice or 0) if isinstance(result, Final) else None

    def names(self, result: Final | SegmentFailed) -> tuple[str | None, str | None]:
        """Return the name and the short name of who said a result, with the voice if several share the microphone."""
        voice = self.voice(result)
        if voice is None or not _are_several(self.voices):
            return self.name, self.short_name
        number = self.named_before + voice
        if not self.name:
            return f"Speaker {number}", f"Speaker {number}"
        return f"{self.name}, voice {number}", f"{self.short_name}, {number}"


class Speakers:
    """Assigns names and clock offsets. A single session keeps its clock; a single person without a name has none.

    A person has the name and the role of the newest result. Those without a name are numbered in order of first
    appearance; the first result of each session sets its clock.
    """

    def __init__(self) -> None:
        self._began: dict[str, int] = {}
        """Session → Unix time in ms at which its audio clock began, in order of first appearance."""
        self._person_of: dict[str, str] = {}
        """Session → person; without one, the session itself."""
        self._newest: dict[str, base.Speaker | None] = {}
        """Person → name and role, in order of first appearance."""
        self._voices: defaultdict[str, dict[int, int]] = defaultdict(dict)
        """Session → number of a voice in finals → the voice that it turned out to be."""

    def note(self, result: Final | SegmentFailed) -> None:
        """Note a result; all of them must be noted before the first is written."""
        session, speaker = result.session_id, result.speaker
        self._began.setdefault(session, result.began_ms)
        person = self._person_of[session] = speaker.person if speaker else self._person_of.get(session, session)
        self._newest[person] = speaker or self._newest.get(person)
        if person != session:  # results of older services are of the same person
            self._newest.pop(session, None)
        if isinstance(result, Final) and result.voice is not None:
            voices = self._voices[session]
            voices.setdefault(result.voice, result.voice)
            merged = result.merged_voices or {}
            voices.update({number: merged.get(voice, voice) for number, voice in voices.items()})

    def by_session(self) -> dict[str, Speaker]:
        """Return the speaker of each session."""
        labels = self._labels(lambda name: name)
        short = self._labels(_shortened)
        earliest = min(self._began.values(), default=0) if len(self._began) > 1 else None
        found = {}
        named: Counter[str] = Counter()
        for session, began in self._began.items():
            person = self._person_of[session]
            known, offset_ms = self._newest[person], 0 if earliest is None else began - earliest
            role = plain_text(known.role or "") or None if known else None
            public, voices = known.person if known else None, self._voices.get(session, {})
            found[session] = Speaker(labels[person], offset_ms, public, role, short[person], voices, named[person])
            named[person] += max(voices.values()) if _are_several(voices) else 0
        return found

    def _labels(self, shorten: Callable[[str], str]) -> dict[str, str | None]:
        """Return the name of each person; later ones of the same name get a number."""
        names = {person: plain_text(known.name or "") if known else "" for person, known in self._newest.items()}
        if not any(names.values()) and len(names) == 1:
            return dict.fromkeys(names)
        labels: dict[str, str | None] = {}
        for number, (person, name) in enumerate(names.items(), start=1):
            whole = shorten(name) or f"Speaker {number}"
            same = itertools.count(2)
            label = whole
            while label in labels.values():
                label = f"{whole} ({next(same)})"
            labels[person] = label
        return labels


def _are_several(voices: Mapping[int, int]) -> bool:
    """Return True if there are so many that each is named."""
    return len({*voices.values()}) > 1


def _shortened(name: str) -> str:
    """Return a name that leaves room for words on a line of subtitles."""
    if wcswidth(name) <= SHORT_COLUMNS:
        return name
    while wcswidth(name) >= SHORT_COLUMNS:
        name = name[:-1]
    return f"{name.rstrip()}…"


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
    person: str | None = None
    role: str | None = None
    voice: int | None = None
    """Number of the voice in its session, after all revisions; None if it is not known."""
    short_name: str | None = None
    """The speaker's name for a line of subtitles."""
    utterances: tuple[tuple[int, int], ...] = ()
    """Beginning and end of each utterance in it."""

    @classmethod
    def of(cls, said: Said, speaker: Speaker) -> "Entry":
        """Return the entry of a result."""
        result = said.result
        final = result if isinstance(result, Final) else None
        name, short_name = speaker.names(result)
        return cls(
            start_ms=result.start_ms + speaker.offset_ms,
            end_ms=result.end_ms + speaker.offset_ms,
            speaker=name,
            text=plain_text(final.text) if final else NOT_TRANSCRIBED,
            language=final.language if final else None,
            sentiment=final.sentiment if final else None,
            sentiment_reason=final.sentiment_reason if final else None,
            words=tuple(_moved(word, speaker.offset_ms) for word in final.words) if final else (),
            failed=final is None,
            person=speaker.person,
            role=speaker.role,
            voice=speaker.voice(result),
            short_name=short_name,
            utterances=tuple((start + speaker.offset_ms, end + speaker.offset_ms) for start, end in said.utterances),
        )

    @property
    def named_text(self) -> str:
        """The text after the speaker's name."""
        return f"{self.speaker}: {self.text}" if self.speaker else self.text


def plain_text(text: str) -> str:
    """Return a text with single spaces, between words only."""
    return _BLANKS.sub(" ", text).strip(" ")


def _moved(word: Word, offset_ms: int) -> Word:
    return word.model_copy(update={"start_ms": word.start_ms + offset_ms, "end_ms": word.end_ms + offset_ms})
