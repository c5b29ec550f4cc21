"""The sentence that an utterance belongs to: speakers pause in the middle of sentences.

An utterance that follows an unfinished one closely continues its sentence, and is judged together with it: "but I
did not like it" alone says less. Only this module decides which fragments belong together.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from pydantic import BaseModel

from infra.ledger.resilient import retry_while_unavailable
from wire import names
from wire.messages.base import STORED
from wire.messages.jobs import AnalyzeText

MAX_PAUSE_MS = 3_000
"""After a longer pause something else begins."""
MAX_CHARACTERS = 300
"""Length up to which a sentence goes on; without it, speech without long pauses would be one sentence."""
SENTENCE_ENDS = (".", "!", "?", "。", "！", "？", "…", "।", "؟")
EXPIRES_S = 60
"""Nothing follows after this time: an utterance is analysed long before."""


class Sentence(BaseModel):
    """The text of a sentence up to the end of an utterance."""

    model_config = STORED

    text: str
    language: str
    end_ms: int
    """End of the utterance on the session's audio clock."""


class Store(Protocol):
    """The commands of Redis in use."""

    def get(self, name: str) -> str | None:
        """Return a value; None if there is none."""

    def set(self, name: str, value: str, *, ex: int) -> object:
        """Store a value for ``ex`` seconds."""


class Sentences:
    """Keeps the sentence so far of each utterance for a minute, for the one that follows. Thread-safe.

    Best effort: if another process has not come to the utterance before yet, that has no influence.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
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

    def sentence_so_far(self, job: AnalyzeText) -> str:
        """Return the text of an utterance, behind that of the one before if it goes on with its sentence."""
        if before := self._joined.get((job.session_id, job.segment - 1)):
            before.wait(EXPIRES_S)
        sentence = self._join(job)
        if joined := self._joined.get((job.session_id, job.segment)):
            joined.set()
        return sentence

    @retry_while_unavailable
    def _join(self, job: AnalyzeText) -> str:
        before = self._store.get(names.sentence(job.session_id, job.segment - 1)) if job.segment else None
        sentence = continued(None if before is None else Sentence.model_validate_json(before), job)
        if not is_finished(sentence.text):
            key = names.sentence(job.session_id, job.segment)
            self._store.set(key, sentence.model_dump_json(), ex=EXPIRES_S)
        return sentence.text


def continued(before: Sentence | None, job: AnalyzeText) -> Sentence:
    """Return the sentence up to the end of an utterance."""
    text, language = job.transcript.text, job.transcript.language
    if (
        before is not None
        and language == before.language
        and job.start_ms - before.end_ms <= MAX_PAUSE_MS
        and len(before.text) + len(text) <= MAX_CHARACTERS
        and not is_finished(before.text)
    ):
        text = f"{before.text} {text}"
    return Sentence(text=text, language=language, end_ms=job.end_ms)


def is_finished(text: str) -> bool:
    """Return True if a text ends with a sentence's last mark, perhaps before a closing quotation mark."""
    return text.rstrip("\"'”’»」』)] ").endswith(SENTENCE_ENDS)
