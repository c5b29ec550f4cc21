"""Second transcription, without the prompt, of audio that gave the prompt's words alone."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from stt_worker.engines.base import Hypothesis, Outcome, RecognitionRequest
from stt_worker.engines.prompt_echo import is_confirmed, is_prompt_echo
from stt_worker.engines.wrapper import EngineWrapper


class EchoFilter(EngineWrapper):
    """Transcribes the audio of such a text a second time, and keeps the text if that confirms it."""

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        """See ``BatchEngine``."""
        echoes: dict[int, Hypothesis] = {}
        for index, outcome in self._engine.transcribe_all(requests):
            if isinstance(outcome, Hypothesis) and is_prompt_echo(outcome.text, requests[index].config.prompt):
                echoes[index] = outcome
            else:
                yield index, outcome
        if not echoes:
            return
        indices = list(echoes)
        for position, outcome in self._engine.transcribe_all([_unprompted(requests[index]) for index in indices]):
            echo = echoes[indices[position]]
            is_heard = isinstance(outcome, Exception) or is_confirmed(echo, outcome)
            yield indices[position], echo if is_heard else outcome


def _unprompted(request: RecognitionRequest) -> RecognitionRequest:
    return replace(request, config=replace(request.config, prompt=""))
