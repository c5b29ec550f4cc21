"""One session as gateway and workers run it, without either: for benchmarks and tests."""

from dataclasses import replace
from functools import cache

from fastapi_service.endpointing.endpointer import Endpointer
from fastapi_service.endpointing.silero import SileroModel
from fastapi_service.gateway import endpointer_options
from fastapi_service.settings import Settings as GatewaySettings
from stt_worker.engines.base import Context, Hypothesis, RecognitionConfig, Transcriber
from stt_worker.engines.deadline import Deadline
from stt_worker.settings import Settings
from stt_worker.tasks.transcript import language_to_keep, reason_not_shown
from wire.audio import Samples

LIMIT_S = 600.0
"""Longest time of one utterance: one that no busy machine reaches."""


def new_endpointer(settings: GatewaySettings | None = None) -> Endpointer:
    """Return the endpointer of a session, with the gateway's settings; None: with their defaults."""
    settings = settings or GatewaySettings.model_construct()
    return Endpointer(endpointer_options(settings), voice=voice_model() if settings.voice_detection else None)


@cache
def voice_model() -> SileroModel:
    """Return the gateway's voice model, loaded once."""
    return SileroModel()


class Session:
    """Transcribes the utterances of one session in their order, each after the language of those before it.

    A text is kept only when its utterance is over: those of pauses in which speech went on leave no trace.
    """

    def __init__(
        self, engine: Transcriber, language: str | None = None, *, languages: tuple[str, ...] = (), prompt: str = ""
    ) -> None:
        """Begin without utterances.

        Args:
            engine: as the worker loads it.
            language: of the session; None: detected in each utterance.
            languages: of the session, among which it is detected; empty: all.
            prompt: of the session.
        """
        self._engine = engine
        self._config = RecognitionConfig(language, prompt=prompt, languages=languages)
        self._expected_language: str | None = None

    def transcribe(self, audio: Samples, context: Context | None = None) -> Hypothesis:
        """Transcribe an utterance, or what there is of it in a pause. The text continues that of the context."""
        config = replace(self._config, expected_language=self._expected_language, context=context)
        return self._engine.transcribe(audio, config, Deadline.after(LIMIT_S))

    def transcribe_interim(self, audio: Samples, prefix: str) -> Hypothesis:
        """Transcribe the newest speech, whose text begins with a prefix, to be shown until the utterance is over."""
        config = replace(self._config, expected_language=self._expected_language, prefix=prefix, allow_fallback=False)
        return self._engine.transcribe(audio, config, Deadline.after(LIMIT_S))

    def keep(self, hypothesis: Hypothesis) -> bool:
        """Take in the text of an utterance that is over; return True if clients get it."""
        if reason_not_shown(hypothesis, Settings().min_logprob) is not None:
            return False
        self._expected_language = language_to_keep(hypothesis) or self._expected_language
        return True
