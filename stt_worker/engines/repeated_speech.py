"""Words that are said again and again are decoded once, and written as often as they were said.

Whisper writes a long repetition once, or for ever, and then loses what follows it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from whisper.audio import HOP_LENGTH, log_mel_spectrogram

from stt_worker.engines.base import Hypothesis, Outcome, RecognitionRequest, Word
from stt_worker.engines.periodicity import FRAMES_PER_SECOND, Repetition, find_repetition
from stt_worker.engines.wrapper import EngineWrapper
from wire.audio import SAMPLE_RATE, Samples

TOLERANCE_S = 0.1
"""Error of the times of words."""


class RepeatedSpeech(EngineWrapper):
    """Shortens repetitions in front of an engine, and writes them out in its texts."""

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        """See ``BatchEngine``."""
        found = [_repetition(request) for request in requests]
        shortened = [
            request if repetition is None else replace(request, audio=said_once(request.audio, repetition))
            for request, repetition in zip(requests, found, strict=True)
        ]
        for index, outcome in self._engine.transcribe_all(shortened):
            repetition = found[index]
            if repetition is None or isinstance(outcome, Exception):
                yield index, outcome
            else:
                yield index, written_out(outcome, repetition)


def _repetition(request: RecognitionRequest) -> Repetition | None:
    """A request with a prefix has its repetition in the prefix already, or nearly."""
    if request.config.prefix or len(request.audio) < SAMPLE_RATE:
        return None
    return find_repetition(log_mel_spectrogram(request.audio).T.contiguous().numpy())


def said_once(audio: Samples, repetition: Repetition) -> Samples:
    """Return the audio with only the first of the sayings. The cut joins the same place of two of them."""
    first, last = (HOP_LENGTH * bound for bound in (repetition.bounds[0], repetition.bounds[-1]))
    return np.concatenate([audio[:first], audio[last:]])


def written_out(hypothesis: Hypothesis, repetition: Repetition) -> Hypothesis:
    """Return the transcription of the whole audio, given that of the shortened one."""
    first, *others = (bound / FRAMES_PER_SECOND for bound in repetition.bounds)
    period, removed = others[0] - first, others[-1] - first
    words = hypothesis.words
    before = [word for word in words if (word.start_s + word.end_s) / 2 < first]
    phrase = [word for word in before if word.end_s > first - period + TOLERANCE_S]
    copies = [_later(word, bound - first) for bound in others for word in phrase]
    whole = (*before, *copies, *(_later(word, removed) for word in words[len(before) :]))
    return replace(hypothesis, words=whole, text="".join(word.text for word in whole).strip())


def _later(word: Word, seconds: float) -> Word:
    return replace(word, start_s=word.start_s + seconds, end_s=word.end_s + seconds)
