"""The evidence of a sentence's end: kept for each token of each text, and given where it was measured."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor
from whisper.tokenizer import Tokenizer, get_tokenizer

from stt_worker.engines.base import RecognitionConfig, RecognitionRequest
from stt_worker.engines.deadline import Deadline
from stt_worker.engines.whisper.batch import Utterance
from stt_worker.engines.whisper.decoder import Decoder
from stt_worker.engines.whisper.engine import LONGEST_PAUSE_S, WhisperTranscriber
from stt_worker.engines.whisper.greedy import Decoded, GreedySearch
from stt_worker.engines.whisper.marks import Marks
from stt_worker.engines.whisper.prompt import Prompt
from stt_worker.engines.whisper.sentence_end import MEASURED, sentence_end
from stt_worker.engines.whisper.vocabulary import Vocabulary
from stt_worker.numerics import FLOAT32
from tests.unit.stt_worker.test_encoder_decoder import DIMENSIONS, mel
from tests.unit.stt_worker.test_whisper_engine import MULTILINGUAL_VOCABULARY, SECOND, transcriber
from tests.unit.stt_worker.tiny_whisper import random_whisper

# The library leaves its word lists to the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore:.*tiktoken:pytest.PytestUnraisableExceptionWarning")

TEXT = " He went home."


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return get_tokenizer(True, num_languages=99, language="en", task="transcribe")


@pytest.fixture(scope="module")
def engine() -> WhisperTranscriber:
    return transcriber(MULTILINGUAL_VOCABULARY)


def text(tokenizer: Tokenizer, end_s: float) -> Decoded:
    """A text whose last word ends at a time, with some probability of a mark behind each token."""
    tokens = tokenizer.encode(TEXT)
    steps = len(tokens) + 1
    return Decoded(
        tokens,
        [-0.1] * steps,
        marks=[(0.8 / step, 0.01 * step) for step in range(1, steps + 1)],
        stop="end",
        times=np.linspace(0, end_s, steps),
    )


def utterance(language: str, seconds: float, task: Literal["transcribe", "translate"] = "transcribe") -> Utterance:
    audio = np.zeros(round(seconds * len(SECOND)), np.float32)
    request = RecognitionRequest(audio, RecognitionConfig(language, task=task), Deadline.after(60))
    return Utterance(0, request, language)


@pytest.mark.parametrize("language", sorted(MEASURED))
def test_a_text_in_a_measured_language_has_evidence(
    engine: WhisperTranscriber, tokenizer: Tokenizer, language: str
) -> None:
    decoded = text(tokenizer, 1.0)
    expected = sentence_end(decoded, tokenizer)
    assert expected is not None
    assert engine._hypothesis(utterance(language, 1.2), decoded, 1).sentence_end == expected


@pytest.mark.parametrize("language", ["ja", "zh", "hi", "th", "it"])
def test_a_text_in_another_language_has_none(engine: WhisperTranscriber, tokenizer: Tokenizer, language: str) -> None:
    """Silence decides, as without a text."""
    assert engine._hypothesis(utterance(language, 1.2), text(tokenizer, 1.0), 1).sentence_end is None


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_translation_has_none(engine: WhisperTranscriber, tokenizer: Tokenizer, language: str) -> None:
    """Its sentences are not those of the speech."""
    made = utterance(language, 1.2, task="translate")
    assert engine._hypothesis(made, text(tokenizer, 1.0), 1).sentence_end is None


@pytest.mark.parametrize(("behind_s", "has_evidence"), [(LONGEST_PAUSE_S - 0.1, True), (LONGEST_PAUSE_S + 0.1, False)])
def test_a_text_that_ends_long_before_the_audio_has_none(
    engine: WhisperTranscriber, tokenizer: Tokenizer, behind_s: float, has_evidence: bool
) -> None:
    """Words may be missing behind it."""
    hypothesis = engine._hypothesis(utterance("en", 1.0 + behind_s), text(tokenizer, 1.0), 1)
    assert (hypothesis.sentence_end is not None) == has_evidence


def test_a_text_with_its_rest_has_the_marks_of_both() -> None:
    """But not those of the first end, behind which it went on."""
    first = Decoded([7, 1, 2], [-0.1, -0.2, -9.0], prefix_len=1, marks=[(0.1, 0.0), (0.2, 0.0), (0.9, 0.0)])
    rest = Decoded([7, 1, 2, 3], [-0.3, -0.4], prefix_len=3, marks=[(0.3, 0.0), (0.4, 0.0)])
    whole = first.followed_by(rest)
    assert whole.marks == [(0.1, 0.0), (0.2, 0.0), (0.3, 0.0), (0.4, 0.0)]
    assert len(whole.marks) == len(whole.logprobs)


@pytest.fixture
def search(tokenizer: Tokenizer) -> Iterator[tuple[GreedySearch, Decoder, Tensor]]:
    with torch.inference_mode():
        model = random_whisper(DIMENSIONS)
        decoder = Decoder(model.decoder, FLOAT32)
        vocabulary = Vocabulary(model.decoder.token_embedding.weight)
        found = GreedySearch(decoder, vocabulary, tokenizer, torch.device("cpu"))
        yield found, decoder, model.encoder(torch.cat([mel(1), mel(2)]))


def test_each_text_of_a_batch_has_its_own_marks(
    search: tuple[GreedySearch, Decoder, Tensor], tokenizer: Tokenizer
) -> None:
    """Those that it has alone, one for each choice, also behind the end of the other text."""
    found, decoder, features = search
    prompt = Prompt(tokenizer.sot_sequence_including_notimestamps, sot=0)
    most = [3, 9]
    both = found.run(decoder.precompute_cross_kv(features), [prompt] * 2, most, [lambda: None] * 2)
    for row, together in enumerate(both):
        cache = decoder.precompute_cross_kv(features[row : row + 1])
        (alone,) = found.run(cache, [prompt], [most[row]], [lambda: None])
        assert alone.tokens == together.tokens
        assert len(together.marks) == len(together.logprobs) == most[row]
        np.testing.assert_allclose(together.marks, alone.marks, rtol=1e-3)
    assert both[0].marks != both[1].marks[:3]


def test_the_marks_are_those_of_the_choice(
    search: tuple[GreedySearch, Decoder, Tensor], tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the scores from which the token was taken."""
    found, decoder, features = search
    prompt = Prompt(tokenizer.sot_sequence_including_notimestamps, sot=0)
    seen: list[Tensor] = []

    class Noting(Marks):
        def __call__(self, logits: Tensor, total: Tensor) -> list[tuple[float, float]]:
            seen.append((logits - total[:, None]).exp())
            return super().__call__(logits, total)

    monkeypatch.setattr(found, "_marks", Noting(tokenizer, torch.device("cpu")))
    (made,) = found.run(decoder.precompute_cross_kv(features[:1]), [prompt], [4], [lambda: None])
    chosen = [float(step[0, token].log()) for step, token in zip(seen, made.tokens, strict=True)]
    assert made.logprobs == pytest.approx(chosen, abs=1e-4)
    assert all(float(step.sum()) == pytest.approx(1, abs=1e-4) for step in seen)
