"""Words that are said again and again are decoded once, and written as often as they were said.

Whisper writes a long repetition once, or for ever, and then loses what follows it. So all sayings but the first are cut
out, and its words are repeated in the text. If there are no words at its time, as in the ticks of a clock, the whole
audio is transcribed instead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from whisper.audio import HOP_LENGTH, log_mel_spectrogram

from stt_worker.engines.base import Hypothesis, Outcome, RecognitionRequest, Word
from stt_worker.engines.periodicity import FRAMES_PER_SECOND, Repetition, find_repetition
from stt_worker.engines.wrapper import EngineWrapper
from wire.audio import SAMPLE_RATE, Samples

OVERLAP_S = 0.2
"""Part of a longer word that must lie in the first saying: the first word of a text begins with the audio, not with its
sound, and words end up to 0.15 s late."""


class RepeatedSpeech(EngineWrapper):
    """Shortens repetitions in front of an engine, and writes them out in its texts."""

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        """See ``BatchEngine``."""
        found = [_repetition(request) for request in requests]
        shortened = [
            request if repetition is None else replace(request, audio=said_once(request.audio, repetition))
            for request, repetition in zip(requests, found, strict=True)
        ]
        whole: dict[int, RecognitionRequest] = {}
        for index, outcome in self._engine.transcribe_all(shortened):
            repetition = found[index]
            if repetition is None or isinstance(outcome, Exception):
                yield index, outcome
            elif (written := written_out(outcome, repetition)) is not None:
                yield index, written
            else:
                whole[index] = requests[index]
        yield from self._transcribe_some(whole)


def _repetition(request: RecognitionRequest) -> Repetition | None:
    """A request with a prefix has its repetition in the prefix already, or nearly."""
    if request.config.prefix or len(request.audio) < SAMPLE_RATE:
        return None
    return find_repetition(log_mel_spectrogram(request.audio).T.contiguous().numpy())


def said_once(audio: Samples, repetition: Repetition) -> Samples:
    """Return the audio with only the first of the sayings. The cut joins the same place of two of them."""
    first, last = (HOP_LENGTH * bound for bound in (repetition.bounds[0], repetition.bounds[-1]))
    return np.concatenate([audio[:first], audio[last:]])


def written_out(hypothesis: Hypothesis, repetition: Repetition) -> Hypothesis | None:
    """Return the transcription of the whole audio, given that of the shortened one; None if no words were repeated."""
    first, *others = (bound / FRAMES_PER_SECOND for bound in repetition.bounds)
    words, period, removed = hypothesis.words, others[0] - first, others[-1] - first
    said_before = [word for word in words if _middle(word) <= first]
    phrase = [
        word for word in said_before if word.end_s - (first - period) > min(OVERLAP_S, word.end_s - _middle(word))
    ]
    if not phrase:
        return None
    copies = [word.later(bound - first) for bound in others for word in phrase]
    whole = (*said_before, *copies, *(word.later(removed) for word in words[len(said_before) :]))
    return hypothesis.with_words(whole)


def _middle(word: Word) -> float:
    return (word.start_s + word.end_s) / 2
