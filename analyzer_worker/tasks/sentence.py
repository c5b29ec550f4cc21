"""The sentence that an utterance belongs to: speakers pause in the middle of sentences.

An utterance that follows an unfinished one closely continues its sentence, and is judged together with it: "but I
did not like it" alone says less. What the recognition shows decides against the marks of the text. Only this module
decides which fragments belong together; the listener only undoes it, if what comes before was analysed otherwise.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from pydantic import BaseModel

from infra.ledger.resilient import retry_while_unavailable
from wire import names
from wire.languages import WITHOUT_SPACES
from wire.messages.base import STORED
from wire.messages.jobs import AnalyzeText
from wire.sentence_ends import is_finished, joined

MAX_PAUSE_S = 3.0
"""After a longer pause something else begins."""
LONGEST = 300
"""Characters up to which a sentence goes on; without it, speech without long pauses would be one sentence."""
LONGEST_WITHOUT_SPACES = 100
"""The same in scripts without spaces, where a character is about a syllable."""
LOOK_BACK = 3
"""Utterances before that are looked at: one without words, such as a cough, has no text and may lie between."""
MOST_WITHOUT = 16
"""Utterances in a row that no process has come to whose texts are looked up: as many as one process has at once."""
EXPIRES_S = 60
"""Nothing follows after this time: an utterance is analysed long before."""


class Sentence(BaseModel):
    """The text of a sentence up to the end of an utterance."""

    model_config = STORED

    text: str
    """Empty in the store once the sentence is finished: older workers would join it with what follows."""
    finished: str = ""
    """The text of a finished sentence in the store, for speech that goes on with it all the same."""
    language: str
    end_ms: int
    """End of the utterance on the session's audio clock."""
    ended_at: float
    """The same in Unix seconds."""
    segments: tuple[int, ...] = ()
    """Those of its fragments, the newest last. Empty if an older worker began it, so that nothing is known of them."""


class Store(Protocol):
    """The commands of Redis in use."""

    def mget(self, names: list[str]) -> list[str | None]:
        """Return values; None for each that there is none of."""

    def put(self, name: str, session_id: str, value: str, ttl_s: int) -> object:
        """Store a value of a session for ``ttl_s`` seconds, unless the session was deleted."""


class Sentences:
    """Keeps the sentence so far of each utterance for a minute, for the one that follows. Thread-safe.

    If no process has come to the utterance before yet, its text is that of the ledger: one that a worker died with is
    analysed later. One that is not transcribed yet has no influence.
    """

    def __init__(self, store: Store, find: Callable[[str, int], AnalyzeText | None] = lambda _session, _segment: None):
        """Use a store.

        Args:
            store: keeps the sentences.
            find: returns the job of an utterance, by session and segment, that is in the ledger with a text.
        """
        self._store = store
        self._find = find
        self._joined: dict[tuple[str, int], threading.Event] = {}
        """Session and segment of the utterances that this process works on → set once their sentence is kept."""

    @contextmanager
    def in_order(self, job: AnalyzeText) -> Iterator[None]:
        """Put this around the work on an utterance, from its very beginning: the next one waits for its sentence."""
        place = (job.session_id, job.segment)
        self._joined[place] = joined = threading.Event()
        try:
            yield
        finally:
            joined.set()
            if self._joined.get(place) is joined:
                del self._joined[place]

    def sentence_so_far(self, job: AnalyzeText) -> Sentence:
        """Return the sentence of an utterance, up to its end."""
        if before := self._joined.get((job.session_id, job.segment - 1)):
            before.wait(EXPIRES_S)
        sentence = self._join(job)
        if joined := self._joined.get((job.session_id, job.segment)):
            joined.set()
        return sentence

    @retry_while_unavailable
    def _join(self, job: AnalyzeText) -> Sentence:
        sentence = continued(self._before(job.session_id, job.segment), job)
        key = names.sentence(job.session_id, job.segment)
        self._store.put(key, job.session_id, to_keep(sentence).model_dump_json(), EXPIRES_S)
        return sentence

    def _before(self, session_id: str, segment: int, most: int = MOST_WITHOUT) -> Sentence | None:
        """Return the sentence of the newest utterance with words among those just before.

        Args:
            session_id: of the utterance.
            segment: of the utterance.
            most: number of utterances without a kept sentence that are looked up.
        """
        segments = range(segment - 1, max(segment - 1 - LOOK_BACK, -1), -1)
        kept = self._store.mget([names.sentence(session_id, each) for each in segments]) if segments else []
        for each, found in zip(segments, kept, strict=True):
            if found:
                return Sentence.model_validate_json(found)
            if most and (job := self._find(session_id, each)) is not None:
                return to_keep(continued(self._before(session_id, each, most - 1), job))
        return None


def continued(before: Sentence | None, job: AnalyzeText) -> Sentence:
    """Return the sentence up to the end of an utterance."""
    text, language = job.transcript.text, job.transcript.language
    segments: tuple[int, ...] = (job.segment,)
    if before is not None and (beginning := _beginning(before, job)):
        text = joined(beginning, text, language)
        segments = (*before.segments, job.segment) if before.segments else ()
    return Sentence(text=text, language=language, end_ms=job.end_ms, ended_at=job.clock.speech_end, segments=segments)


def _beginning(before: Sentence, job: AnalyzeText) -> str:
    """Return the text of the sentence that an utterance goes on with; empty if it begins another one."""
    transcript = job.transcript
    if transcript.continues is False:
        return ""
    beginning = before.text or (before.finished if transcript.continues else "")
    longest = LONGEST_WITHOUT_SPACES if transcript.language in WITHOUT_SPACES else LONGEST
    belongs = (
        transcript.language == before.language
        and pause_s(before, job) <= MAX_PAUSE_S
        and len(beginning) + len(transcript.text) <= longest
    )
    return beginning if belongs else ""


def to_keep(sentence: Sentence) -> Sentence:
    """Return what the next utterance needs of a sentence."""
    finished = is_finished(sentence.text)
    return sentence.model_copy(update={"text": "", "finished": sentence.text}) if finished else sentence


def pause_s(before: Sentence, job: AnalyzeText) -> float:
    """Return the seconds between two utterances.

    The audio clock stands still for clients that send speech only, the wall clock runs ahead of files: the longer
    pause of both is the right one.
    """
    length_s = (job.end_ms - job.start_ms) / 1000
    return max((job.start_ms - before.end_ms) / 1000, job.clock.speech_end - length_s - before.ended_at)
