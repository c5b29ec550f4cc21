"""The engine with tiny random weights: its text means nothing, but the way there is the real one."""

import time
from typing import Any

import pytest
import torch
from structlog.testing import capture_logs
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import get_tokenizer

from stt_worker.engines.base import Hypothesis, RecognitionConfig, RecognitionRequest
from stt_worker.engines.deadline import Deadline, DeadlineExceeded, Preempted, PreemptibleDeadline
from stt_worker.engines.whisper.batch import Utterance
from stt_worker.engines.whisper.engine import WhisperTranscriber
from stt_worker.engines.whisper.fallback import ATTEMPTS, accepted
from stt_worker.engines.whisper.greedy import Decoded
from stt_worker.engines.whisper.load import warm_up
from stt_worker.engines.whisper.prompt import make_prompt
from stt_worker.engines.whisper.repetition import token_limit
from stt_worker.numerics import FLOAT32, Numerics
from tests.support.formats import NUMERICS, packing
from tests.support.utterances import outcomes_of
from wire.errors import WireError

# The library leaves its word lists to the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore:.*tiktoken:pytest.PytestUnraisableExceptionWarning")

ENGLISH_VOCABULARY = 51_864
MULTILINGUAL_VOCABULARY = 51_865
LARGE_V3_VOCABULARY = 51_866
ENGLISH = RecognitionConfig("en")
SECOND = torch.zeros(16_000).numpy()


def transcriber(vocabulary: int, numerics: Numerics = FLOAT32) -> WhisperTranscriber:
    torch.manual_seed(1)
    dimensions = ModelDimensions(
        n_mels=128 if vocabulary == LARGE_V3_VOCABULARY else 80,
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
    return WhisperTranscriber(model, "tiny", "1", numerics)


@pytest.mark.parametrize("vocabulary", [MULTILINGUAL_VOCABULARY, LARGE_V3_VOCABULARY])
def test_a_multilingual_model_detects_the_language(vocabulary: int) -> None:
    """And gives its probability; a language that was given needs no detection."""
    model = transcriber(vocabulary)
    hypothesis = warm_up(model)
    assert hypothesis.words
    assert hypothesis.language_probability is not None
    assert 0 < hypothesis.language_probability < 1
    given = model.transcribe(SECOND, RecognitionConfig("ko"), Deadline.after(60))
    assert (given.language, given.language_probability) == ("ko", None)


def test_large_v3_has_cantonese() -> None:
    """A hundredth language, whose token moves all that follow; ``languages`` may name it."""
    model = transcriber(LARGE_V3_VOCABULARY)
    for config in (RecognitionConfig("yue"), RecognitionConfig(languages=("yue",))):
        hypothesis = model.transcribe(SECOND, config, Deadline.after(60))
        assert hypothesis.language == "yue"
        assert hypothesis.words
    smaller, larger = (get_tokenizer(multilingual=True, num_languages=count) for count in (99, 100))
    assert model._search._eot == larger.eot
    assert model._search._no_speech == larger.no_speech == smaller.no_speech + 1


@pytest.mark.parametrize("vocabulary", [ENGLISH_VOCABULARY, MULTILINGUAL_VOCABULARY, LARGE_V3_VOCABULARY])
@pytest.mark.parametrize("samples", [1, 159, 161, 480_000])
def test_audio_of_any_length_is_transcribed(vocabulary: int, samples: int) -> None:
    """From one sample to the whole window; its words end with it."""
    hypothesis = transcriber(vocabulary).transcribe(
        torch.zeros(samples).numpy(), RecognitionConfig(), Deadline.after(60)
    )
    assert all(0 <= word.start_s <= word.end_s <= samples / 16_000 for word in hypothesis.words)


@pytest.mark.parametrize("numerics", NUMERICS, ids=str)
def test_every_format_goes_all_the_way(numerics: Numerics) -> None:
    """From the sound to the words' times; the probability of silence is that of float32, but for rounding."""
    with packing(numerics):
        model = transcriber(MULTILINGUAL_VOCABULARY, numerics)
    hypothesis = model.transcribe(SECOND, ENGLISH, Deadline.after(60))
    exact = transcriber(MULTILINGUAL_VOCABULARY).transcribe(SECOND, ENGLISH, Deadline.after(60))
    assert model.revision == f"1 {numerics}"
    assert hypothesis.words
    assert hypothesis.no_speech_prob == pytest.approx(exact.no_speech_prob, rel=0.05)


def test_an_english_model_transcribes_english() -> None:
    """``base.en`` cannot detect languages: it is ready for a session that names none."""
    model = transcriber(ENGLISH_VOCABULARY)
    assert warm_up(model).language == "en"
    assert model.transcribe(SECOND, RecognitionConfig("en"), Deadline.after(60)).language == "en"


def test_an_english_model_refuses_other_languages() -> None:
    """It would write English words under a Korean label."""
    with pytest.raises(WireError, match="tiny knows English only, not ko") as refused:
        transcriber(ENGLISH_VOCABULARY).transcribe(SECOND, RecognitionConfig("ko"), Deadline.after(60))
    assert refused.value.code == "stt_language"


@pytest.mark.parametrize(
    ("vocabulary", "languages"),
    [
        (ENGLISH_VOCABULARY, ("ko", "de")),
        (ENGLISH_VOCABULARY, ("ko",)),
        (MULTILINGUAL_VOCABULARY, ("yue",)),
        (MULTILINGUAL_VOCABULARY, ("yue", "xx")),
    ],
)
def test_a_model_refuses_a_set_of_languages_of_which_it_has_none(vocabulary: int, languages: tuple[str, ...]) -> None:
    """Like a single one."""
    with pytest.raises(WireError, match=", ".join(languages)) as refused:
        transcriber(vocabulary).transcribe(SECOND, RecognitionConfig(languages=languages), Deadline.after(60))
    assert refused.value.code == "stt_language"


@pytest.mark.parametrize(
    ("vocabulary", "languages", "language"),
    [(ENGLISH_VOCABULARY, ("ko", "en", "de"), "en"), (MULTILINGUAL_VOCABULARY, ("yue", "ko", "xx"), "ko")],
)
def test_a_model_detects_among_the_languages_that_it_has(
    vocabulary: int, languages: tuple[str, ...], language: str
) -> None:
    """The operator reads once which ones it lacks."""
    model = transcriber(vocabulary)
    with capture_logs() as lines:
        for _ in range(3):
            config = RecognitionConfig(languages=languages)
            assert model.transcribe(SECOND, config, Deadline.after(60)).language == language
    lacking = [code for code in languages if code != language]
    assert [line["languages"] for line in lines if line["event"] == "languages not supported"] == [lacking]


def test_decoding_stops_at_the_deadline() -> None:
    """In the middle of a text, not after it."""
    with pytest.raises(DeadlineExceeded):
        transcriber(MULTILINGUAL_VOCABULARY).transcribe(
            SECOND, RecognitionConfig("en"), Deadline(seconds=1.0, started=0.0)
        )


def test_encoding_stops_when_a_more_urgent_utterance_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A final text need not wait until the audio of an interim text is encoded."""

    def decode(*_: object, **__: object) -> None:
        raise AssertionError("not decoded")

    monkeypatch.setattr("stt_worker.engines.whisper.greedy.GreedySearch.run", decode)
    deadline = PreemptibleDeadline(60.0, time.monotonic(), lambda: True)
    with pytest.raises(Preempted):
        transcriber(MULTILINGUAL_VOCABULARY).transcribe(SECOND, RecognitionConfig("en"), deadline)


def test_a_model_refuses_a_language_that_it_lacks() -> None:
    """Cantonese has a token of its own only from ``large-v3`` on. An utterance beside it is not refused."""
    model = transcriber(MULTILINGUAL_VOCABULARY)
    model.max_batch_size = 8
    refused, hypothesis = outcomes_of(model, [(SECOND, RecognitionConfig("yue")), (SECOND, RecognitionConfig("en"))])
    assert isinstance(refused, WireError)
    assert refused.code == "stt_language"
    assert isinstance(hypothesis, Hypothesis)


def test_a_prompt_is_nothing_but_letters() -> None:
    """Also one that spells a token of the model's own."""
    tokenizer = get_tokenizer(multilingual=True, num_languages=99)
    prompt = make_prompt(tokenizer, RecognitionConfig("en", prompt="<|endoftext|>", prefix="<|nospeech|>"))
    assert not {tokenizer.eot, tokenizer.no_speech} & set(prompt.tokens)


def test_one_utterance_that_fails_leaves_the_others_their_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between decoding and words, where an error would otherwise be everybody's."""
    model = transcriber(MULTILINGUAL_VOCABULARY)
    model.max_batch_size = 8
    hypothesis = model._hypothesis

    def broken(utterance: Utterance, *rest: Any) -> Hypothesis:
        if utterance.language == "ko":
            raise ValueError("broken")
        return hypothesis(utterance, *rest)

    monkeypatch.setattr(model, "_hypothesis", broken)
    outcomes = outcomes_of(model, [(SECOND, RecognitionConfig(language)) for language in ("en", "ko", "de")])
    assert [type(outcome) for outcome in outcomes] == [Hypothesis, ValueError, Hypothesis]


@pytest.mark.parametrize(("language", "last"), [("en", False), ("my", False), ("en", True)])
def test_the_last_attempt_is_not_cut(language: str, *, last: bool) -> None:
    """Its text is the final one; those before it may be cut, because a cut text is decoded again."""
    model = transcriber(MULTILINGUAL_VOCABULARY)
    utterance = Utterance(0, RecognitionRequest(SECOND, RecognitionConfig(language), Deadline.after(60)), language)
    expected = model._decoder.n_ctx if last else token_limit(1.0, language)
    assert model._max_tokens(utterance, ATTEMPTS if last else 1) == expected


@pytest.mark.parametrize("language", ["ja", "zh", "th", "lo", "my", "ko", "en"])
def test_the_words_of_a_translation_are_english(language: str) -> None:
    """Also of one from a language without spaces, whose words are tokens."""
    model = transcriber(MULTILINGUAL_VOCABULARY)
    request = RecognitionRequest(SECOND, RecognitionConfig(language, task="translate"), Deadline.after(60))
    text = "Unbelievably, spectrograms misbehaved."
    tokens = get_tokenizer(multilingual=True, num_languages=99).encode(f" {text}")
    assert len(tokens) > 6
    attention = torch.rand(1, 3 + len(tokens) + 1, 50)
    decoded = Decoded(tokens, [-0.1] * (len(tokens) + 1), attention_offset=3, attention=attention, stop="end")
    utterance = Utterance(0, request, language)
    assert [word.text.strip() for word in model._hypothesis(utterance, decoded, 1).words] == text.split()
    assert model._max_tokens(utterance, 1) == token_limit(1.0, "en")


@pytest.mark.parametrize(
    ("forced", "seconds", "kept"),
    [
        (0, 2.4, 6),  # no time for a second saying
        (3, 2.4, 6),
        (7, 2.4, None),  # what others agreed on is not cut
        (0, 4.8, 12),  # time for both
        (0, 3.3, None),
    ],
)
def test_a_sentence_is_kept_as_often_as_there_is_time_for_it(forced: int, seconds: float, kept: int | None) -> None:
    """Six tokens twice, whose attention goes in a straight line from 0.2 to 2.0 s."""
    attention = torch.full((1, 3 + 13, 250), -9.0)
    for row in range(16):
        attention[0, row, 10 + 15 * max(0, row - 3) : 10 + 15 * max(1, row - 2)] = 9.0
    attention[0, 9, 100:] = 9.0  # after the sixth, all the rest
    tokens = [400, 401, 402, 403, 404, 405] * 2
    logprobs = [-0.1] * (13 - forced)
    text = Decoded(tokens, logprobs, prefix_len=forced, attention_offset=3, attention=attention, stop="end")
    found = accepted(text, get_tokenizer(multilingual=True, num_languages=99, language="en"), seconds)
    assert (found and len(found.tokens)) == kept
