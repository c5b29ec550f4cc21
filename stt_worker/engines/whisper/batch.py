"""The utterances of one batch while they are transcribed, and how they are grouped."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from whisper.audio import N_SAMPLES
from whisper.audio import N_SAMPLES_PER_TOKEN as SAMPLES_PER_POSITION

from stt_worker.engines.base import NO_SPEECH_PROB, Outcome, RecognitionConfig, RecognitionRequest
from stt_worker.engines.text_key import text_key
from stt_worker.engines.whisper.languages import ENGLISH
from stt_worker.engines.whisper.prompt import Prompt
from wire.audio import SAMPLE_RATE, Samples

REPEATED_LETTERS = 8
"""Letters of a text from which it is no answer that people give twice, such as "yes"."""
LONGEST_WITH_CONTEXT = N_SAMPLES - SAMPLE_RATE
"""Samples of a context and its utterance that leave a second of the window."""


@dataclass
class Utterance:
    """One request and what is known about it so far."""

    index: int
    """Position of the request in the call."""
    request: RecognitionRequest
    language: str = ""
    """Language of the speech."""
    language_probability: float | None = None
    """None unless the language was detected."""
    no_speech_prob: float | None = None
    """By the audio alone; None if that was not looked at."""
    prompt: Prompt | None = None
    outcome: Outcome | None = None
    """None until a text is accepted, the last attempt is over, or it failed."""

    @property
    def config(self) -> RecognitionConfig:
        """Options of the request."""
        return self.request.config

    @property
    def text_language(self) -> str:
        """Language that the text is written in: a translation is English."""
        return ENGLISH if self.config.task == "translate" else self.language

    @property
    def audio(self) -> Samples:
        """The context and the utterance."""
        return np.concatenate([self._context_audio, self.request.audio])

    @property
    def _context_audio(self) -> Samples:
        return self.request.audio[:0] if self.config.context is None else self.config.context.audio

    @property
    def context_positions(self) -> int:
        """Positions of the encoder that the context takes."""
        return round(len(self._context_audio) / SAMPLES_PER_POSITION)  # type: ignore[no-any-return]

    @property
    def context_len(self) -> int:
        """Tokens of the context's text; 0 without a context."""
        return 0 if self.prompt is None else self.prompt.context_len

    def fits_context(self) -> bool:
        """True if the text may continue that of the context: there is speech, of that language, and room for both."""
        context = self.config.context
        return (
            context is not None
            and context.language in {"", self.language}
            and (self.no_speech_prob or 0.0) <= NO_SPEECH_PROB
            and len(context.audio) + len(self.request.audio) <= LONGEST_WITH_CONTEXT
        )

    def repeats_context(self, text: str) -> bool:
        """True if a text of several words is the end of that of the context: then it may have been written again."""
        context, own = self.config.context, text_key(text)
        return context is not None and len(own) >= REPEATED_LETTERS and text_key(context.text).endswith(own)

    def drop_context(self) -> None:
        """Transcribe the utterance by itself."""
        self.request = replace(self.request, config=replace(self.config, context=None))

    @property
    def seconds(self) -> float:
        """Duration of the utterance."""
        return len(self.request.audio) / SAMPLE_RATE


def outcomes(batch: Sequence[Utterance]) -> Iterator[tuple[int, Outcome]]:
    """Yield the index and outcome of the utterances that have one."""
    for utterance in batch:
        if utterance.outcome is not None:
            yield utterance.index, utterance.outcome


def rows_of_equal_prompts(batch: Sequence[Utterance]) -> list[list[int]]:
    """Group the utterances that can be decoded together, by their indices: those with prompts of the same shape."""
    groups = defaultdict(list)
    for row, utterance in enumerate(batch):
        if utterance.outcome is None and (prompt := utterance.prompt) is not None:
            groups[len(prompt.tokens), prompt.sot, prompt.context_len, prompt.prefix_len].append(row)
    return list(groups.values())


@contextmanager
def failing_alone(utterance: Utterance) -> Iterator[None]:
    """Make an exception the outcome of one utterance. ``RuntimeError`` is torch's and fails the whole batch."""
    try:
        yield
    except RuntimeError:
        raise
    except Exception as error:  # the boundary: one utterance must not end the others of its batch
        utterance.outcome = error
