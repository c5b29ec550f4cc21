"""Texts of the prompt's words alone: spoken ones stay, echoes are replaced by the text without the prompt."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from stt_worker.engines.base import BatchEngine, Hypothesis, Outcome, RecognitionConfig, RecognitionRequest
from stt_worker.engines.deadline import DeadlineExceeded, Preempted
from stt_worker.engines.echo_filter import EchoFilter
from tests.support.utterances import outcomes_of

AUDIO = np.zeros(16_000, dtype=np.float32)
SPOKEN = Hypothesis("왓챠", "ko", None, -0.5, 0.02)


class Prompted(BatchEngine):
    """Gives one text with a prompt and another without."""

    name, revision, max_batch_size = "prompted", "1", 8

    def __init__(self, prompted: Outcome, unprompted: Outcome) -> None:
        self.outcomes = {True: prompted, False: unprompted}
        self.prompts: list[str] = []

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        self.prompts += [request.config.prompt for request in requests]
        assert all(request.config.allow_fallback is bool(request.config.prompt) for request in requests)
        for index, request in enumerate(requests):
            yield index, self.outcomes[bool(request.config.prompt)]


@pytest.mark.parametrize(
    ("unprompted", "text"),
    [
        (replace(SPOKEN, text="아, 쟤!", avg_logprob=-1.4), "아, 쟤!"),
        (replace(SPOKEN, text="", avg_logprob=-2.0), ""),
        (replace(SPOKEN, text="왓챠.", avg_logprob=-1.4), "왓챠"),
        (replace(SPOKEN, text="와차", avg_logprob=-0.7), "왓챠"),
        (replace(SPOKEN, text="봤어요.", avg_logprob=-0.3), "봤어요."),
    ],
)
def test_an_echo_must_be_confirmed(unprompted: Hypothesis, text: str) -> None:
    """By the same text, or by one in which the name is only spelled otherwise."""
    engine = Prompted(SPOKEN, unprompted)
    (outcome,) = outcomes_of(EchoFilter(engine), [(AUDIO, RecognitionConfig("ko", prompt="이상은, 왓챠"))])
    assert isinstance(outcome, Hypothesis)
    assert outcome.text == text
    assert engine.prompts == ["이상은, 왓챠", ""]


def test_other_texts_are_transcribed_once() -> None:
    """Also those of a later attempt, which had no prompt; failures stay what they are."""
    first_texts: list[Outcome] = [replace(SPOKEN, text="왓챠 봤어"), replace(SPOKEN, attempts=2), ValueError("broken")]
    for first in first_texts:
        engine = Prompted(first, SPOKEN)
        assert outcomes_of(EchoFilter(engine), [(AUDIO, RecognitionConfig(prompt="왓챠"))]) == [first]
        assert engine.prompts == ["왓챠"]


@pytest.mark.parametrize(
    "failure", [DeadlineExceeded("stt_deadline", "Late.", "More workers."), Preempted(), ValueError("broken")]
)
def test_a_failure_confirms_nothing(failure: Exception) -> None:
    """An interim text that is preempted has no text, and a deadline is over for both."""
    engine = Prompted(SPOKEN, failure)
    assert outcomes_of(EchoFilter(engine), [(AUDIO, RecognitionConfig(prompt="왓챠"))]) == [failure]


def test_a_batch_keeps_its_order() -> None:
    engine = Prompted(SPOKEN, replace(SPOKEN, text="아", avg_logprob=-1.4))
    tasks = [(AUDIO, RecognitionConfig(prompt=prompt, allow_fallback=bool(prompt))) for prompt in ("왓챠", "", "왓챠")]
    outcomes = outcomes_of(EchoFilter(engine), tasks)
    assert [outcome.text for outcome in outcomes if isinstance(outcome, Hypothesis)] == ["아", "아", "아"]
    assert engine.prompts == ["왓챠", "", "왓챠", "", ""]
