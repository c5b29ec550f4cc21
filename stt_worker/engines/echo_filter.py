"""Second transcription, without the prompt, of audio that gave the prompt's words alone.

Texts of later attempts are none of these: only the first attempt has the prompt.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeGuard

from stt_worker.engines.base import Hypothesis, Outcome, RecognitionRequest
from stt_worker.engines.prompt_echo import is_confirmed, is_prompt_echo
from stt_worker.engines.wrapper import EngineWrapper


class EchoFilter(EngineWrapper):
    """Transcribes the audio of such a text a second time, and keeps the text if that confirms it.

    Otherwise the second outcome counts, also a deadline that is over: an unconfirmed text is not shown.
    """

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        """See ``BatchEngine``."""
        echoes: dict[int, Hypothesis] = {}
        for index, outcome in self._engine.transcribe_all(requests):
            if _is_echo(outcome, requests[index]):
                echoes[index] = outcome
            else:
                yield index, outcome
        for index, outcome in self._transcribe_some({index: _unprompted(requests[index]) for index in echoes}):
            echo = echoes[index]
            is_spoken = isinstance(outcome, Hypothesis) and is_confirmed(echo, outcome)
            yield index, echo if is_spoken else outcome


def _is_echo(outcome: Outcome, request: RecognitionRequest) -> TypeGuard[Hypothesis]:
    return (
        isinstance(outcome, Hypothesis)
        and outcome.attempts == 1
        and is_prompt_echo(outcome.text, request.config.prompt)
    )


def _unprompted(request: RecognitionRequest) -> RecognitionRequest:
    """Return the request for one attempt without the prompt and the context: more are not worth the time."""
    return replace(request, config=replace(request.config, prompt="", context=None, allow_fallback=False))
