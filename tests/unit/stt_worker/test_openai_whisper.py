"""The engine with tiny random weights: what it hears means nothing, but the way there is the real one."""

import pytest
import torch
from whisper.model import ModelDimensions, Whisper

from stt_worker.engine import Deadline, DeadlineExceeded, Request
from stt_worker.engines.openai_whisper import WhisperTranscriber, warm_up
from wire.errors import WireError

# The library leaves its word lists to the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore:.*tiktoken:pytest.PytestUnraisableExceptionWarning")

ENGLISH_VOCABULARY = 51_864
MULTILINGUAL_VOCABULARY = 51_865
SECOND = torch.zeros(16_000).numpy()


def transcriber(vocabulary: int) -> WhisperTranscriber:
    torch.manual_seed(1)
    dimensions = ModelDimensions(
        n_mels=80,
        n_audio_ctx=1500,
        n_audio_state=8,
        n_audio_head=2,
        n_audio_layer=1,
        n_vocab=vocabulary,
        n_text_ctx=16,
        n_text_state=8,
        n_text_head=2,
        n_text_layer=1,
    )
    model = Whisper(dimensions).eval()
    torch.nn.init.zeros_(model.decoder.positional_embedding)  # the library leaves it as the memory was
    return WhisperTranscriber(model, "tiny", "1")


def test_a_multilingual_model_detects_the_language() -> None:
    """And says how sure it is; a language that was given needs no detection."""
    model = transcriber(MULTILINGUAL_VOCABULARY)
    heard = warm_up(model)
    assert heard.language_probability is not None
    given = model.transcribe(SECOND, Request("ko"), Deadline.after(60))
    assert (given.language, given.language_probability) == ("ko", None)


def test_an_english_model_hears_english() -> None:
    """``base.en`` cannot detect languages: it is ready for a session that names none."""
    model = transcriber(ENGLISH_VOCABULARY)
    assert warm_up(model).language == "en"
    assert model.transcribe(SECOND, Request("en"), Deadline.after(60)).language == "en"


def test_an_english_model_refuses_other_languages() -> None:
    """It would write English words under a Korean label."""
    with pytest.raises(WireError, match="tiny knows English only, not ko") as refused:
        transcriber(ENGLISH_VOCABULARY).transcribe(SECOND, Request("ko"), Deadline.after(60))
    assert refused.value.code == "stt_language"


def test_decoding_stops_at_the_deadline() -> None:
    """In the middle of a text, not after it."""
    with pytest.raises(DeadlineExceeded):
        transcriber(MULTILINGUAL_VOCABULARY).transcribe(SECOND, Request("en"), Deadline(seconds=1.0, started=0.0))
