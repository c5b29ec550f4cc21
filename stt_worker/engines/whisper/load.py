"""Loads the weights of a Whisper into the engine."""

from dataclasses import asdict
from functools import partial
from pathlib import Path

import structlog
import torch
from whisper.model import Whisper

from infra.cpus import choose_threads
from stt_worker.engines.base import Hypothesis, RecognitionConfig
from stt_worker.engines.deadline import Deadline
from stt_worker.engines.device import Device, check_transcription, load_on_device
from stt_worker.engines.whisper.completion import VoiceSeconds, all_seconds
from stt_worker.engines.whisper.engine import WhisperTranscriber
from stt_worker.engines.whisper.processor import choose_numerics
from stt_worker.numerics import FLOAT16
from stt_worker.settings import Settings
from stt_worker.weights.alignment import alignment_mask
from stt_worker.weights.cache import sha256
from stt_worker.weights.checkpoint import read_checkpoint
from stt_worker.weights.find import find_weights
from stt_worker.weights.formats import WANTED
from stt_worker.weights.own_model import weight_files
from wire.audio import SAMPLE_RATE
from wire.errors import ModelError

log = structlog.get_logger()

DIGEST_DIGITS = 12
"""Hexadecimal digits of the weights' sha256 in a worker's revision."""
VOCABULARIES = (51_864, 51_865, 51_866)
"""Tokens of English, multilingual and large-v3 models. The library derives the meaning of tokens from their number."""
LONGEST_REASON = 400
"""Characters of a message of torch, which lists each tensor."""


def load_whisper(settings: Settings, voice_s: VoiceSeconds = all_seconds) -> WhisperTranscriber:
    """Find the weights, load them on the device of the settings, and transcribe a second of silence there.

    Args:
        settings: of the worker.
        voice_s: for ``WhisperTranscriber``.

    Raises:
        ModelError: the machine cannot execute the number formats of the settings, the weights are missing or corrupt,
            or the GPU is missing or failed.
    """
    torch.set_num_threads(choose_threads(settings.threads, default=torch.get_num_threads()))
    return load_on_device(settings.device, partial(_load_on, settings, voice_s), fallback=settings.gpu_fallback)


def _load_on(settings: Settings, voice_s: VoiceSeconds, device: Device) -> WhisperTranscriber:
    # First: the worker tries again every few seconds, and need not read the weights to find a wrong setting.
    numerics = FLOAT16 if device == "cuda" else choose_numerics(settings.numerics)
    path = find_weights(settings.model, settings.model_cache, offline=settings.model_offline)
    model = _read_model(path, settings.model)
    if device == "cuda":
        model = in_half_precision(model).to(device)
    log.info("numerics chosen", **asdict(numerics))
    digest = sha256(*weight_files(path))[:DIGEST_DIGITS]
    transcriber = WhisperTranscriber(model, settings.model, digest, numerics, settings.padding_s, voice_s)
    hypothesis = warm_up(transcriber)
    if device == "cuda":
        check_transcription(hypothesis)
    return transcriber


def _read_model(path: Path, name: str) -> Whisper:
    """Load the model into main memory, so that an error here is the file's and not the GPU's."""
    checkpoint = read_checkpoint(path)
    if checkpoint.dims.n_vocab not in VOCABULARIES:
        raise _misfit(path, f"its vocabulary has {checkpoint.dims.n_vocab:,} tokens, Whisper's have {VOCABULARIES}")
    try:
        model = Whisper(checkpoint.dims)
        model.load_state_dict(checkpoint.state)
    except (RuntimeError, ValueError, TypeError) as error:  # a tensor is missing, left over or of another shape
        raise _misfit(path, " ".join(str(error).split())[:LONGEST_REASON]) from error
    heads = alignment_mask(checkpoint.dims, name, checkpoint.heads)
    if heads is not None:
        model.register_buffer("alignment_heads", heads.to_sparse(), persistent=False)
    return model


def _misfit(path: Path, reason: str) -> ModelError:
    return ModelError("model_corrupt", f"{path} is not a Whisper model that can be used ({reason}).", WANTED)


def in_half_precision(model: Whisper) -> Whisper:
    """Convert a model to fp16 in place, except layer norms: their input is float32, and torch requires one type."""
    model.half()
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.float()
    return model


def warm_up(transcriber: WhisperTranscriber) -> Hypothesis:
    """Transcribe a second of silence: the first run allocates and compiles, which no user should wait for."""
    return transcriber.transcribe(torch.zeros(SAMPLE_RATE).numpy(), RecognitionConfig(), Deadline.after(60))
