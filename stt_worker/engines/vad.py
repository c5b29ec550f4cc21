"""Voice activity detection before Whisper, which transcribes noise as phrases of its training data.

The model is Silero VAD 6 (https://github.com/snakers4/silero-vad, MIT): about 2 ms per second that it reads. It
reads an utterance until it is confident of speech; without confident speech, all of it and four times.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from stt_worker.engines.base import BatchEngine, Hypothesis, Outcome, RecognitionRequest
from stt_worker.engines.hallucinations import accept
from stt_worker.engines.torch_threads import torch_threads
from stt_worker.engines.wrapper import EngineWrapper
from wire.audio import SAMPLE_RATE, Samples

FRAME, CONTEXT = 512, 64
"""Samples of one frame, and samples before it that the model also reads."""
FRAME_S = FRAME / SAMPLE_RATE
STATE_SHAPE = (1, 1, 128)
"""Shape of the hidden and of the cell state."""
BLOCK = 32
"""Frames between two checks if the speech so far is enough; about a second."""
SPEECH_THRESHOLD = 0.5
"""Probability from which a frame is speech: Silero's own default. One such frame is enough to run Whisper: "the" and
"또" have two. Noises that pass (barking, jazz) are silence to Whisper itself."""
FRAME_OFFSETS = (128, 256, 384)
"""Samples by which frames are shifted when speech is not confident: a short answer may fall between two frames."""
SURROUNDINGS_S = 0.8
"""Time around the speech that the endpointer leaves in an utterance: pre-roll and trailing silence."""
CONFIDENT_SHARE = 0.25
"""Share of speech, without the surroundings, from which there is certainly speech. Below it, singing instruments and a
distant television are as likely."""


@dataclass(frozen=True)
class VadResult:
    """Amount of speech in an utterance; a lower bound if it is confident, since the rest was not read."""

    speech_s: float
    peak: float
    """Highest speech probability of a frame, 0–1."""
    share: float
    """Speech per duration of the utterance without its surroundings, 0–1."""

    @property
    def has_speech(self) -> bool:
        """True if there is anything to transcribe."""
        return self.speech_s > 0

    @property
    def is_confident(self) -> bool:
        """True if there is certainly speech."""
        return self.share >= CONFIDENT_SHARE


class SileroVad:
    """Silero's model. Not thread-safe; keeps no state between calls."""

    def __init__(self) -> None:
        with torch_threads(torch.get_num_threads()):  # importing silero_vad sets torch to one thread
            from silero_vad import load_silero_vad
            from silero_vad.sequence_vad import frame_blocks
        self._session = load_silero_vad(onnx=True, sequence=True).session
        self._blocks = partial(frame_blocks, frame_samples=FRAME, context_samples=CONTEXT, max_frames=BLOCK)

    def __call__(self, audio: Samples) -> VadResult:
        """Measure the speech in float32 samples in [−1, 1), 16 kHz."""
        best = VadResult(0.0, 0.0, 0.0)
        for offset in (0, *FRAME_OFFSETS):
            result = self._detect(audio[offset:])
            if result.is_confident:
                return result
            best = max(best, result, key=lambda each: (each.speech_s, each.peak))
        return best

    def _detect(self, audio: Samples) -> VadResult:
        """Read the audio once, until speech is confident."""
        hidden = cell = np.zeros(STATE_SHAPE, dtype=np.float32)
        result = VadResult(0.0, 0.0, 0.0)
        for block in self._blocks(audio):
            inputs = {"input": block, "h": hidden, "c": cell}
            probabilities, hidden, cell = self._session.run(["speech_probs", "hn", "cn"], inputs)
            speech_s = result.speech_s + float((probabilities > SPEECH_THRESHOLD).sum() * FRAME_S)
            inside_s = max(len(audio) / SAMPLE_RATE - SURROUNDINGS_S, speech_s)
            share = speech_s / inside_s if inside_s else 0.0
            result = VadResult(speech_s, max(result.peak, float(probabilities.max())), share)
            if result.is_confident:
                break
        return result


class VadFilter(EngineWrapper):
    """Skips utterances without speech, and accepts texts more strictly the less speech there is."""

    def __init__(self, engine: BatchEngine, vad: SileroVad) -> None:
        super().__init__(engine)
        self._vad = vad

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        """See ``BatchEngine``."""
        spoken: dict[int, VadResult] = {}
        for index, request in enumerate(requests):
            result = self._vad(request.audio)
            if result.has_speech:
                spoken[index] = result
            else:
                yield index, _silence(result, request.config.language)
        for index, outcome in self._transcribe_some({index: requests[index] for index in spoken}):
            yield index, _without_hallucination(outcome, spoken[index])


def _silence(result: VadResult, language: str | None) -> Hypothesis:
    return Hypothesis(
        text="", language=language or "", language_probability=None, avg_logprob=0.0, no_speech_prob=1 - result.peak
    )


def _without_hallucination(outcome: Outcome, result: VadResult) -> Outcome:
    if isinstance(outcome, Exception) or accept(outcome, is_confident=result.is_confident):
        return outcome
    return replace(outcome, text="", words=(), language_probability=None)
