"""The contract between the worker and a speech-to-text engine."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Literal, Protocol

from infra.voiceprints import Voiceprint
from stt_worker.engines.deadline import Deadline
from wire.audio import Samples

NO_SPEECH_PROB = 0.6
MIN_AVG_LOGPROB = -1.0
"""Whisper's own thresholds: section 4.5 of the paper (arXiv:2212.04356) and ``whisper/transcribe.py``."""


class DeviceLost(Exception):
    """The device computes nothing more for this process, as after most CUDA errors."""


@dataclass(frozen=True, eq=False)
class Context:
    """Speech just before an utterance, of the same speaker in the same language."""

    audio: Samples
    """float32 in [−1, 1), shape (samples,), 16 kHz; ends where the utterance begins."""
    text: str
    """All that was said in it."""
    language: str
    """ISO 639 code of the speech; empty: that of the utterance."""


@dataclass(frozen=True)
class RecognitionConfig:
    """Options of one transcription, and its place in the queue."""

    language: str | None = None
    """ISO 639 code of the speech; None: detect it."""
    _: KW_ONLY
    task: Literal["transcribe", "translate"] = "transcribe"
    """``translate`` writes English for speech in any language."""
    prompt: str = ""
    """Terms whose spelling to bias. Whisper conditions on them as on preceding text."""
    prefix: str = ""
    """Known beginning of the text. Dropped if the text after it has to be decoded again."""
    allow_fallback: bool = True
    """False for a text that is soon replaced: it is not worth the longest and slowest attempt."""
    expected_language: str | None = None
    """Language of what was said before. If it is detected again, that takes less evidence than another one."""
    session: str = ""
    """Sessions with waiting utterances take turns."""
    priority: int = 0
    """As in the queue: 0 is the most urgent."""
    languages: tuple[str, ...] = ()
    """ISO 639 codes among which the language is detected, unless ``language`` is given; empty: all of the model."""
    context: Context | None = None
    """Read before the utterance, whose text continues it. Dropped if the text has to be decoded again."""


@dataclass(frozen=True)
class RecognitionRequest:
    """One utterance for an engine."""

    audio: Samples
    """float32 in [−1, 1), shape (samples,), 16 kHz, at most 30 s."""
    config: RecognitionConfig
    deadline: Deadline


@dataclass(frozen=True)
class Word:
    """One word with its punctuation and leading space; all words joined are the text."""

    text: str
    start_s: float
    """From the beginning of the audio."""
    end_s: float
    probability: float
    """Mean probability of its tokens, 0–1."""

    def later(self, seconds: float) -> "Word":
        """Return the same word some seconds later; earlier, if that is negative."""
        return replace(self, start_s=self.start_s + seconds, end_s=self.end_s + seconds)


@dataclass(frozen=True)
class Hypothesis:
    """The transcription of one utterance."""

    text: str
    language: str
    """ISO 639 code."""
    language_probability: float | None
    """By the audio alone, 0–1, whatever was expected; None if the language was given."""
    avg_logprob: float
    """Mean log-probability of the tokens, ≤ 0."""
    no_speech_prob: float
    """Probability that the audio contains no speech, 0–1."""
    words: tuple[Word, ...] = ()
    continues: bool | None = None
    """True if the sentence at the end of the context goes on with the text, False if it was over; None if nothing shows
    that."""
    sentence_end: float | None = None
    """Log-odds that a sentence is over with the text; None if nothing shows that."""
    attempts: int = 1
    """Number of decoding attempts, each with more padding, until the text was accepted."""
    voice: Voiceprint | None = None
    """Voice of the speaker, unless the text is soon replaced; only if the worker distinguishes speakers."""

    def with_words(self, words: Sequence[Word]) -> "Hypothesis":
        """Return the same with the text of other words."""
        return replace(self, words=tuple(words), text="".join(word.text for word in words).strip())


Outcome = Hypothesis | Exception
"""Result of one utterance: its transcription, or why it failed."""


def is_silent(no_speech_prob: float, avg_logprob: float) -> bool:
    """Apply Whisper's own rule: probably no speech, and the text is a guess."""
    return no_speech_prob > NO_SPEECH_PROB and avg_logprob < MIN_AVG_LOGPROB


class Transcriber(Protocol):
    """A loaded model, as the tasks of the worker use it."""

    @property
    def name(self) -> str:
        """Name or path, as in the settings."""
        ...

    @property
    def revision(self) -> str:
        """Distinguishes programs of the same name: the beginning of the weights' sha256, and the number formats."""
        ...

    def transcribe(self, audio: Samples, config: RecognitionConfig, deadline: Deadline) -> Hypothesis:
        """Transcribe one utterance.

        Args:
            audio: float32 in [−1, 1), shape (samples,), 16 kHz, at most 30 s.
            config: language, task and other options.
            deadline: checked while decoding.

        Raises:
            DeadlineExceeded: decoding took too long.
            Preempted: a more urgent utterance waits; raised for a ``PreemptibleDeadline`` only.
            WireError: the model does not support the language or the task.
        """
        ...


class BatchEngine(ABC):
    """A loaded model that transcribes several utterances at once. Not thread-safe."""

    name: str
    revision: str
    max_batch_size: int
    """Largest number of utterances that are faster as one batch."""

    @abstractmethod
    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        """Transcribe a batch; each utterance gets the text that it would get alone.

        Yields:
            (index of the request, its outcome), once per request, as soon as the outcome is known. The work goes on
            when the next one is taken.

        Raises:
            DeviceLost: only a new process can continue.
            Exception: the failure of all requests without an outcome, such as out of memory.
        """

    def transcribe(self, audio: Samples, config: RecognitionConfig, deadline: Deadline) -> Hypothesis:
        """See ``Transcriber``."""
        ((_, outcome),) = self.transcribe_all([RecognitionRequest(audio, config, deadline)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
