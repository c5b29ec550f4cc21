"""The engine of this repository as a worker uses it."""

from bench.session import Session
from stt_worker.engines.base import Hypothesis, Transcriber
from stt_worker.load import load_transcriber
from stt_worker.settings import Settings
from stt_worker.tasks.transcript import reason_not_shown
from wire.audio import Samples


def load_engine(padding_s: float | None = None) -> Transcriber:
    """Load ``base``, in the number formats of the settings and the machine, perhaps with another padding."""
    settings = Settings(model="base", device="cpu")
    return load_transcriber(settings if padding_s is None else settings.model_copy(update={"padding_s": padding_s}))


def transcribe(engine: Transcriber, audio: Samples, language: str | None) -> Hypothesis:
    """Transcribe an utterance alone, as the first one of a session."""
    return Session(engine, language).transcribe(audio)


def is_shown(hypothesis: Hypothesis) -> bool:
    """True if clients would get the text."""
    return reason_not_shown(hypothesis, Settings().min_logprob) is None
