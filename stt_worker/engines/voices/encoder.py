"""Adds the voice of its speaker to each final text."""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import structlog
import torch

from infra.voiceprints import Vector, Voiceprint
from stt_worker.engines.base import BatchEngine, Outcome, RecognitionRequest
from stt_worker.engines.vad import SURROUNDINGS_S
from stt_worker.engines.voices.campplus import CamPlusPlus
from stt_worker.engines.voices.fbank import mel_bands
from stt_worker.engines.wrapper import EngineWrapper
from stt_worker.weights.cache import sha256
from stt_worker.weights.voices import WANTED
from wire.audio import SAMPLE_RATE, Samples
from wire.errors import ModelError

SHORTEST_S = 0.4
"""Audio with less has no voice that could be compared."""
LONGEST_S = 6.0
"""Audio that is read, from the middle of a longer utterance: more makes hardly a difference and costs 20 ms each."""
DIGEST_DIGITS = 12

log = structlog.get_logger()


class VoiceEncoder:
    """CAM++ with its weights, on the CPU. Keeps no state between calls."""

    def __init__(self, weights: Path) -> None:
        """Read the weights.

        Raises:
            ModelError: they are not those of CAM++.
        """
        self.model = f"campplus {sha256(weights)[:DIGEST_DIGITS]}"
        self._network = CamPlusPlus()
        try:
            self._network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelError(
                "model_corrupt", f"{weights} cannot be used to tell voices apart ({reason}).", WANTED
            ) from error
        self._network.eval()

    def __call__(self, audio: Samples) -> Vector | None:
        """Return the voice of float32 samples in [−1, 1), 16 kHz: length 1. None if there is too little audio."""
        if len(audio) < SHORTEST_S * SAMPLE_RATE:
            return None
        most = int(LONGEST_S * SAMPLE_RATE)
        start = max(0, (len(audio) - most) // 2)
        with torch.inference_mode():
            bands = mel_bands(torch.from_numpy(audio[start : start + most]))
            vector: Vector = torch.nn.functional.normalize(self._network(bands[None])[0], dim=0).numpy()
        return vector


class VoiceNotes(EngineWrapper):
    """An engine whose final texts have the voice of their speaker."""

    def __init__(self, engine: BatchEngine, encoder: VoiceEncoder) -> None:
        super().__init__(engine)
        self._encoder = encoder

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        """See ``BatchEngine``."""
        for index, outcome in self._engine.transcribe_all(requests):
            yield index, self._with_voice(requests[index], outcome)

    def _with_voice(self, request: RecognitionRequest, outcome: Outcome) -> Outcome:
        is_replaced_soon = not request.config.allow_fallback
        if isinstance(outcome, Exception) or is_replaced_soon or not outcome.text.strip():
            return outcome
        vector = self._encoder(request.audio)
        if vector is None:
            return outcome
        seconds = max(0.0, len(request.audio) / SAMPLE_RATE - SURROUNDINGS_S)
        return replace(outcome, voice=Voiceprint.of(self._encoder.model, seconds, vector))
