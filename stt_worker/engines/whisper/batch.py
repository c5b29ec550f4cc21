"""The utterances of one batch while they are transcribed, and how they are grouped."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from stt_worker.engines.base import Outcome, RecognitionConfig, RecognitionRequest
from stt_worker.engines.whisper.languages import ENGLISH
from stt_worker.engines.whisper.prompt import Prompt
from wire.audio import SAMPLE_RATE


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
    def seconds(self) -> float:
        """Duration of the audio."""
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
            groups[len(prompt.tokens), prompt.sot, prompt.prefix_len].append(row)
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
