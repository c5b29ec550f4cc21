"""The seam between the worker and whatever turns speech into text."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from wire.audio import Samples
from wire.errors import WireError

NO_SPEECH_PROB = 0.6
MIN_AVG_LOGPROB = -1.0
"""Whisper's own thresholds: section 4.5 of the paper (arXiv:2212.04356) and ``whisper/transcribe.py``."""


class DeadlineExceeded(WireError):
    """An utterance took longer than the worker's deadline."""


@dataclass(frozen=True)
class Deadline:
    """When to give up an utterance, checked by engines between decoding steps."""

    seconds: float
    started: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(seconds, time.monotonic())

    def check(self) -> None:
        """
        Raises:
            DeadlineExceeded: the time is over.
        """
        if time.monotonic() - self.started > self.seconds:
            raise DeadlineExceeded(
                "stt_deadline",
                f"Transcribing took longer than {self.seconds:.0f} s.",
                "Use a smaller model, more workers or a higher STT_DEADLINE_S.",
            )


class Outranked(Exception):
    """Something more urgent waits."""


@dataclass(frozen=True)
class Yielding(Deadline):
    """A deadline that is also over when something more urgent waits."""

    outranked: Callable[[], bool] = lambda: False

    def check(self) -> None:
        """
        Raises:
            DeadlineExceeded: the time is over.
            Outranked: it is the turn of something else.
        """
        super().check()
        if self.outranked():
            raise Outranked


@dataclass(frozen=True)
class Request:
    """What is wanted of an utterance."""

    language: str | None = None
    """ISO 639 code of what is spoken, or None to detect it."""
    task: Literal["transcribe", "translate"] = "transcribe"
    """``translate`` writes English whatever is spoken."""
    prompt: str = ""
    """Names and words that may come up. Whisper takes it for what was said before, and spells alike."""
    prefix: str = ""
    """How the text is known to begin; not believed when what follows it makes no sense."""
    quick: bool = False
    """Of something that is soon replaced: a doubtful text is not worth the longest look."""
    session: str = ""
    """Whose turn it is, where several wait."""
    priority: int = 0
    """As in the queue: 0 goes first."""


@dataclass(frozen=True)
class Word:
    """One word, with the punctuation and the space that belong to it: all of them joined are the text."""

    text: str
    start_s: float
    """From the beginning of the audio."""
    end_s: float
    probability: float
    """Mean probability of its tokens, 0–1."""


@dataclass(frozen=True)
class Hypothesis:
    """What an engine heard."""

    text: str
    language: str
    """ISO 639 code."""
    language_probability: float | None
    """None when the language was given."""
    avg_logprob: float
    """Mean log-probability of the tokens, ≤ 0."""
    no_speech_prob: float
    """Probability that nobody speaks, 0–1."""
    words: tuple[Word, ...] = ()
    windows: int = 1
    """How many windows of audio it took until the text could be trusted."""


def is_silent(no_speech_prob: float, avg_logprob: float) -> bool:
    """Whisper's own rule: nobody seems to speak, and the text is a guess."""
    return no_speech_prob > NO_SPEECH_PROB and avg_logprob < MIN_AVG_LOGPROB


Outcome = Hypothesis | Exception
"""What an utterance gives, or what went wrong with it."""


@dataclass(frozen=True)
class Task:
    """One utterance for an engine."""

    audio: Samples
    """float32 in [−1, 1), shape (samples,), 16 kHz, at most 30 s."""
    request: Request
    deadline: Deadline
    tell: Callable[[Outcome], None]
    """Called once, as soon as the outcome is known: before slower neighbours have theirs."""


class DeviceLost(Exception):
    """Nothing can be computed in this process any more, such as after most CUDA errors."""


class Transcriber(Protocol):
    """A loaded model, as the stages of the worker see it."""

    @property
    def name(self) -> str: ...

    @property
    def revision(self) -> str:
        """Tells two weights of the same name apart: the beginning of their sha256."""
        ...

    def transcribe(self, audio: Samples, request: Request, deadline: Deadline) -> Hypothesis:
        """Text of one utterance.

        Args:
            audio: float32 in [−1, 1), shape (samples,), 16 kHz, at most 30 s.

        Raises:
            DeadlineExceeded: decoding took too long.
            WireError: the model does not know the language, or cannot translate.
        """
        ...


class BatchEngine(ABC):
    """A loaded model that works on several utterances at once; used by one thread at a time."""

    name: str
    revision: str
    at_once: int
    """Most utterances that gain from being one batch."""

    @abstractmethod
    def transcribe_all(self, tasks: Sequence[Task]) -> None:
        """Tell each task what it would give alone.

        Raises:
            DeviceLost: only another process can go on.
            Exception: what went wrong with all whose outcome is not told yet, such as too little memory.
        """

    def transcribe(self, audio: Samples, request: Request, deadline: Deadline) -> Hypothesis:
        """See ``Transcriber``."""
        outcomes: list[Outcome] = []
        self.transcribe_all([Task(audio, request, deadline, outcomes.append)])
        (outcome,) = outcomes
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
