"""openai-whisper: the default engine."""

import hashlib
from pathlib import Path

import torch
import whisper
from torch import Tensor
from whisper.audio import N_FRAMES, log_mel_spectrogram, pad_or_trim
from whisper.decoding import DecodingOptions, DecodingResult, DecodingTask, LogitFilter, detect_language
from whisper.model import Whisper

from stt_worker.engine import Deadline, Hypothesis
from stt_worker.settings import Settings
from stt_worker.weights import alignment_heads, find_weights
from wire.audio import Samples
from wire.errors import ModelError

TEMPERATURES = (0.0, 0.4, 0.8)
"""Greedy first; sampling only when the greedy text looks like a loop or a guess (as ``whisper.transcribe`` does)."""
MAX_COMPRESSION_RATIO = 2.4
MIN_AVG_LOGPROB = -1.0
NO_SPEECH_PROB = 0.6
"""Whisper's own thresholds: section 4.5 of the paper (arXiv:2212.04356) and ``whisper/transcribe.py``."""


class WhisperTranscriber:
    """One loaded model, used by one thread at a time."""

    def __init__(self, model: Whisper, name: str, revision: str) -> None:
        self.name = name
        self.revision = revision
        self._model = model
        self._fp16 = model.device.type == "cuda"

    @torch.inference_mode()
    def transcribe(self, audio: Samples, language: str | None, deadline: Deadline) -> Hypothesis:
        """See ``Transcriber``. The audio is padded to Whisper's window of 30 s."""
        features = self._encode(audio)
        probability = None
        if language is None:
            _, probabilities = detect_language(self._model, features)
            language, probability = max(probabilities[0].items(), key=lambda item: item[1])
        result = self._decode(features, language, deadline)
        return Hypothesis(
            text=result.text,
            language=language,
            language_probability=probability,
            avg_logprob=result.avg_logprob,
            no_speech_prob=result.no_speech_prob,
        )

    def _encode(self, audio: Samples) -> Tensor:
        """Encoder output, shape (1, n_audio_ctx, n_audio_state)."""
        mel = log_mel_spectrogram(audio, self._model.dims.n_mels, padding=0, device=self._model.device)
        mel = pad_or_trim(mel, N_FRAMES).unsqueeze(0)
        features: Tensor = self._model.encoder(mel.half() if self._fp16 else mel)
        return features

    def _decode(self, features: Tensor, language: str, deadline: Deadline) -> DecodingResult:
        for temperature in TEMPERATURES:
            options = DecodingOptions(
                language=language, temperature=temperature, without_timestamps=True, fp16=self._fp16
            )
            task = DecodingTask(self._model, options)
            task.logit_filters.append(_CheckDeadline(deadline))
            result: DecodingResult = task.run(features)[0]
            if not _is_doubtful(result):
                break
        return result


class _CheckDeadline(LogitFilter):  # type: ignore[misc]  # whisper has no type hints
    """Runs at each decoding step, changes nothing."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def apply(self, logits: Tensor, tokens: Tensor) -> None:  # noqa: ARG002
        self._deadline.check()


def _is_doubtful(result: DecodingResult) -> bool:
    """A repetition loop or a guess. Silence is neither: sampling would only invent something."""
    if result.no_speech_prob > NO_SPEECH_PROB and result.avg_logprob < MIN_AVG_LOGPROB:
        return False
    return bool(result.compression_ratio > MAX_COMPRESSION_RATIO or result.avg_logprob < MIN_AVG_LOGPROB)


def choose_device(wanted: str) -> str:
    """``cuda`` or ``cpu``.

    Raises:
        ModelError: a GPU was asked for and there is none.
    """
    if wanted == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise ModelError(
            "gpu_missing", "STT_DEVICE is cuda, but torch sees no GPU.", "Check the driver, or set STT_DEVICE=auto."
        )
    return "cpu"


def load_whisper(settings: Settings) -> WhisperTranscriber:
    """Find the weights and load them.

    Raises:
        ModelError: they are missing, corrupt, or do not fit the device.
    """
    device = choose_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    path = find_weights(settings.model, settings.model_cache, offline=settings.model_offline)
    try:
        model = whisper.load_model(str(path), device=device)
        heads = alignment_heads(settings.model)
        if heads is not None:
            model.set_alignment_heads(heads)
    except Exception as error:  # torch.load raises whatever the broken file provokes
        raise ModelError(
            "model_corrupt",
            f"{path} is not an openai-whisper checkpoint ({type(error).__name__}).",
            "Delete it and run `make models`, or set STT_MODEL to another file.",
        ) from error
    transcriber = WhisperTranscriber(model.half() if device == "cuda" else model, settings.model, _revision(path))
    warm_up(transcriber)
    return transcriber


def warm_up(transcriber: WhisperTranscriber) -> None:
    """The first run allocates and compiles; it must not be a user's sentence."""
    transcriber.transcribe(torch.zeros(16_000).numpy(), "en", Deadline.after(60))


def _revision(path: Path) -> str:
    """The first 12 digits of the file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
