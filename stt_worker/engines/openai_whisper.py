"""openai-whisper: the default engine."""

import hashlib
from functools import partial
from pathlib import Path

import torch
import whisper
from torch import Tensor
from whisper.audio import N_FRAMES, log_mel_spectrogram, pad_or_trim
from whisper.decoding import DecodingOptions, DecodingResult, DecodingTask, LogitFilter, detect_language
from whisper.model import Whisper

from stt_worker.device import Device, check_transcription, load_on_device
from stt_worker.engine import MIN_AVG_LOGPROB, Deadline, Hypothesis, is_silent
from stt_worker.settings import Settings
from stt_worker.weights import alignment_heads, find_weights
from wire.audio import Samples
from wire.errors import ModelError, WireError

TEMPERATURES = (0.0, 0.4, 0.8)
"""Greedy first; sampling only when the greedy text looks like a loop or a guess (as ``whisper.transcribe`` does)."""
MAX_COMPRESSION_RATIO = 2.4
"""As in ``whisper/transcribe.py``: a text that zip makes smaller than this is a loop."""
ENGLISH = "en"


class WhisperTranscriber:
    """One loaded model, used by one thread at a time."""

    def __init__(self, model: Whisper, name: str, revision: str) -> None:
        self.name = name
        self.revision = revision
        self._model = model
        self._fp16 = model.encoder.conv1.weight.dtype == torch.float16

    @torch.inference_mode()
    def transcribe(self, audio: Samples, language: str | None, deadline: Deadline) -> Hypothesis:
        """See ``Transcriber``. The audio is padded to Whisper's window of 30 s."""
        features = self._encode(audio)
        probability = None
        if not self._model.is_multilingual:
            language = self._english(language)
        elif language is None:
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

    def _english(self, language: str | None) -> str:
        """Models such as ``base.en`` write English words whatever they hear."""
        if language not in (None, ENGLISH):
            raise WireError(
                "stt_language",
                f"The model {self.name} knows English only, not {language}.",
                "Choose English, or ask the operator for a multilingual model (STT_MODEL without .en).",
            )
        return ENGLISH

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
    if is_silent(result.no_speech_prob, result.avg_logprob):
        return False
    return bool(result.compression_ratio > MAX_COMPRESSION_RATIO or result.avg_logprob < MIN_AVG_LOGPROB)


def load_whisper(settings: Settings) -> WhisperTranscriber:
    """Find the weights, load them where the settings want them, and try them there.

    Raises:
        ModelError: they are missing or corrupt, or the GPU is missing or failed.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    return load_on_device(settings.device, partial(_load_whisper_on, settings), fallback=settings.gpu_fallback)


def _load_whisper_on(settings: Settings, device: Device) -> WhisperTranscriber:
    path = find_weights(settings.model, settings.model_cache, offline=settings.model_offline)
    model = _read_checkpoint(path, settings.model)
    if device == "cuda":
        model = in_half_precision(model).to(device)
    transcriber = WhisperTranscriber(model, settings.model, _revision(path))
    heard = warm_up(transcriber)
    if device == "cuda":
        check_transcription(heard)
    return transcriber


def _read_checkpoint(path: Path, name: str) -> Whisper:
    """The model in main memory, so that what fails here is the file's fault and not the GPU's."""
    try:
        model = whisper.load_model(str(path), device="cpu")
        heads = alignment_heads(name)
        if heads is not None:
            model.set_alignment_heads(heads)
    except Exception as error:  # torch.load raises whatever the broken file provokes
        raise ModelError(
            "model_corrupt",
            f"{path} is not an openai-whisper checkpoint ({type(error).__name__}).",
            "Delete it and run `make models`, or set STT_MODEL to another file.",
        ) from error
    return model


def in_half_precision(model: Whisper) -> Whisper:
    """The same model with fp16 weights, except layer norms: Whisper feeds them fp32, and torch wants both alike."""
    model.half()
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.float()
    return model


def warm_up(transcriber: WhisperTranscriber) -> Hypothesis:
    """The first run allocates and compiles; it must not be a user's sentence."""
    return transcriber.transcribe(torch.zeros(16_000).numpy(), None, Deadline.after(60))


def _revision(path: Path) -> str:
    """The first 12 digits of the file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
