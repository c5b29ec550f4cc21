"""fp16 weights, as on a GPU, tried on the CPU: torch checks the types of operands there, too."""

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from whisper.model import ModelDimensions, Whisper

from stt_worker.engines.base import Hypothesis, Outcome, RecognitionConfig
from stt_worker.engines.whisper.engine import GPU_BATCH_SIZE, WhisperTranscriber
from stt_worker.engines.whisper.load import in_half_precision
from stt_worker.numerics import FLOAT16, FLOAT32, Numerics
from tests.support.utterances import outcomes_of
from tests.unit.stt_worker.tiny_whisper import random_whisper
from wire.audio import Samples

# The library leaves its word lists to the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore:.*tiktoken:pytest.PytestUnraisableExceptionWarning")

DIMENSIONS = ModelDimensions(
    n_mels=80,
    n_audio_ctx=1500,
    n_audio_state=16,
    n_audio_head=2,
    n_audio_layer=1,
    n_vocab=51_865,
    n_text_ctx=24,
    n_text_state=16,
    n_text_head=2,
    n_text_layer=1,
)


def tiny_model() -> Whisper:
    return random_whisper(DIMENSIONS)


def test_weights_are_not_kept_beside_what_is_made_of_them() -> None:
    """Queries, keys and values are one matrix; with gradients, that would hold on to the three."""
    WhisperTranscriber(tiny_model(), "tiny", "1", FLOAT32)  # reads the word lists, and pytest keeps the frame that does
    model = tiny_model()
    query = weakref.ref(model.encoder.blocks[0].attn.query.weight)
    engine = WhisperTranscriber(model, "tiny", "1", FLOAT32)
    del model
    gc.collect()
    assert query() is None
    assert engine.name == "tiny"


def utterances() -> Iterator[tuple[Samples, RecognitionConfig]]:
    """Of different lengths, languages and prompts."""
    random = np.random.default_rng(1)
    for seconds, request in (
        (1.0, RecognitionConfig("en", allow_fallback=False)),
        (1.5, RecognitionConfig(allow_fallback=False)),
        (0.5, RecognitionConfig("ko", prompt="Elizabeth", allow_fallback=False)),
        (1.5, RecognitionConfig("en", prefix="When is", allow_fallback=False)),
    ):
        yield random.normal(0, 0.1, round(seconds * 16_000)).astype(np.float32), request


def transcribe_all(model: Whisper, numerics: Numerics) -> list[Outcome]:
    engine = WhisperTranscriber(model, "tiny", "1", numerics)
    engine.max_batch_size = GPU_BATCH_SIZE
    return outcomes_of(engine, list(utterances()))


def test_a_batch_is_transcribed_in_half_precision() -> None:
    """All the way, from the sound to the words' times; what the model makes of it hardly changes."""
    exacts, halves = transcribe_all(tiny_model(), FLOAT32), transcribe_all(in_half_precision(tiny_model()), FLOAT16)
    for exact, half in zip(exacts, halves, strict=True):
        assert isinstance(exact, Hypothesis)
        assert isinstance(half, Hypothesis)
        assert half.words
        assert half.no_speech_prob == pytest.approx(exact.no_speech_prob, rel=0.05)


def test_a_gpus_weights_make_batches() -> None:
    """Also on the CPU: what is decoded one by one there are the packed products of float32 weights."""
    assert WhisperTranscriber(in_half_precision(tiny_model()), "tiny", "1", FLOAT16).max_batch_size == GPU_BATCH_SIZE
