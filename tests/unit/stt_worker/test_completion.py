"""Texts that end before the speech, and go on where they ended."""

from typing import Any

import numpy as np
import pytest
import torch
from whisper.tokenizer import get_tokenizer

from stt_worker.engines.base import Context, RecognitionConfig, RecognitionRequest
from stt_worker.engines.deadline import Deadline, DeadlineExceeded
from stt_worker.engines.whisper import engine as module
from stt_worker.engines.whisper import fallback
from stt_worker.engines.whisper.batch import LONGEST_WITH_CONTEXT, Utterance
from stt_worker.engines.whisper.completion import MOST, all_seconds, is_spoken, missed_s
from stt_worker.engines.whisper.decoder import Decoder
from stt_worker.engines.whisper.greedy import Decoded, GreedySearch
from stt_worker.engines.whisper.prompt import Prompt, make_prompt
from stt_worker.engines.whisper.vocabulary import Vocabulary
from stt_worker.numerics import FLOAT32
from tests.unit.stt_worker.test_encoder_decoder import DIMENSIONS, mel
from tests.unit.stt_worker.test_whisper_engine import MULTILINGUAL_VOCABULARY, SECOND, transcriber
from tests.unit.stt_worker.tiny_whisper import random_whisper
from wire.audio import SAMPLE_RATE, Samples

# The library leaves its word lists to the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore:.*tiktoken:pytest.PytestUnraisableExceptionWarning")


def request(config: RecognitionConfig) -> RecognitionRequest:
    return RecognitionRequest(SECOND, config, Deadline.after(60))


def sound(*seconds: float) -> Samples:
    """Loud, quiet, loud ... for so many seconds each."""
    parts = [np.full(round(each * SAMPLE_RATE), 0.0 if i % 2 else 0.3, np.float32) for i, each in enumerate(seconds)]
    return np.concatenate(parts)


def text(end_s: float, **fields: object) -> Decoded:
    """A text of three tokens whose last word ends at a time."""
    made = Decoded([1, 2, 3], [-0.1, -0.2, -0.3, -0.4], stop="end", times=np.array([0.0, 0.1, 0.2, end_s]))
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("end_s", "audio", "missed"),
    [
        (1.0, sound(5.0), 4.0),
        (3.9, sound(5.0), 1.1),
        (4.1, sound(5.0), 0),
        (1.0, sound(1.0, 4.0), 0),
        (1.0, sound(1.0, 2.0, 0.9), 0),
        (1.0, sound(1.0, 2.0, 1.5), 3.5),
        (0.0, sound(0.9), 0),
    ],
    ids=["most", "just enough", "its end", "silence", "a breath", "after a pause", "short"],
)
def test_speech_is_missed_from_a_second_on(end_s: float, audio: Samples, missed: float) -> None:
    assert missed_s(text(end_s), audio, all_seconds) == pytest.approx(missed, abs=0.01)


@pytest.mark.parametrize(
    "fields",
    [
        {"stop": "limit"},
        {"stop": "loop"},
        {"tokens": []},
        {"no_speech_prob": 0.7, "logprobs": [-2.0, -2.0, -2.0, -1.0]},
    ],
)
def test_only_a_text_that_the_model_ended_goes_on(fields: dict[str, object]) -> None:
    """What is not complete for another reason is decoded again, and silence stays silent."""
    assert missed_s(text(1.0, **fields), sound(5.0), all_seconds) == 0


@pytest.mark.parametrize(("voice_s", "missed"), [(0.0, 0), (0.4, 0), (0.5, 4.0), (3.0, 4.0)])
def test_sound_without_a_voice_is_no_speech(voice_s: float, missed: float) -> None:
    """Laughter, music, a fan; only what is behind the text is looked at."""
    lengths = []

    def find(audio: Samples) -> float:
        lengths.append(len(audio))
        return voice_s

    assert missed_s(text(1.0), sound(5.0), find) == pytest.approx(missed)
    assert lengths == [4 * SAMPLE_RATE]


@pytest.mark.parametrize(
    ("words", "logprob", "stop", "spoken"),
    [
        ("The second sentence.", -0.3, "end", True),
        ("The second sentence.", -1.1, "end", False),
        ("The second sentence.", -0.3, "limit", False),
        ("Thank you.", -0.3, "end", False),
        ("Thanks for watching!", -0.3, "end", False),
        ("Untertitel der Amara.org-Community", -0.3, "end", False),
    ],
)
def test_what_whisper_invents_does_not_go_on_a_text(words: str, logprob: float, stop: str, *, spoken: bool) -> None:
    rest = Decoded([1], [logprob, logprob])
    rest.stop = stop  # type: ignore[assignment]
    assert is_spoken(rest, words) == spoken


def test_a_text_with_its_rest_is_one_text() -> None:
    """The first end is none; the rest's own numbers stay."""
    first = Decoded([7, 1, 2], [-0.1, -0.2, -9.0], prefix_len=1, stop="end", times=np.zeros(4))
    rest = Decoded([7, 1, 2, 3, 4], [-0.3, -0.4, -0.5], prefix_len=3, attention_offset=5, stop="end")
    whole = first.followed_by(rest)
    assert (whole.tokens, whole.logprobs, whole.prefix_len) == ([7, 1, 2, 3, 4], [-0.1, -0.2, -0.3, -0.4, -0.5], 1)
    assert whole.attention_offset == 5
    assert whole.times is None


def test_a_text_behind_a_context_has_its_own_tokens_and_positions() -> None:
    attention = torch.arange(2 * 9 * 50.0).view(2, 9, 50)
    both = Decoded([5, 6, 7, 8], [-0.1, -0.2], prefix_len=3, attention_offset=3, attention=attention, times=np.zeros(5))
    own = both.after(2, 20)
    assert (own.tokens, own.logprobs, own.prefix_len, own.attention_offset) == ([7, 8], [-0.1, -0.2], 1, 5)
    assert own.attention is not None
    assert torch.equal(own.attention, attention[:, :, 20:])
    assert own.times is None
    assert both.after(0, 0) is both


@torch.inference_mode()
def test_the_first_word_that_goes_on_is_as_probable_as_it_is() -> None:
    """Beside the end of the text, which is not allowed there."""
    model, tokenizer = random_whisper(DIMENSIONS), get_tokenizer(True, num_languages=99, language="en")
    decoder = Decoder(model.decoder, FLOAT32)
    search = GreedySearch(decoder, Vocabulary(model.decoder.token_embedding.weight), tokenizer, torch.device("cpu"))
    prompt = make_prompt(tokenizer, RecognitionConfig("en", prefix="one two"))
    cache = decoder.precompute_cross_kv(model.encoder(mel(1)))
    (forced,) = search.run(cache.select([0]), [prompt], [prompt.given + 1], [lambda: None], goes_on=True)
    logits = model.decoder(torch.tensor([prompt.tokens]), model.encoder(mel(1)))[0, -1]
    allowed = search._suppression.after(torch.tensor(prompt.tokens[-1:]))
    logprobs = logits.scatter(0, allowed[0], -torch.inf).log_softmax(dim=-1)
    token = forced.tokens[prompt.given]
    assert token != tokenizer.eot
    assert forced.logprobs[0] == pytest.approx(float(logprobs[token]), abs=1e-3)


def test_a_text_goes_on_a_few_times_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    model, runs = transcriber(MULTILINGUAL_VOCABULARY), list[bool]()
    search = model._search.run

    def run(*arguments: Any, goes_on: bool = False) -> list[Decoded]:
        runs.append(goes_on)
        return search(*arguments, goes_on=goes_on)

    monkeypatch.setattr(module, "missed_s", lambda *_: 1.0)
    monkeypatch.setattr(module, "is_spoken", lambda *_: True)
    monkeypatch.setattr(fallback, "needs_fallback", lambda *_, **__: False)
    monkeypatch.setattr(model._search, "run", run)
    assert model.transcribe(SECOND, RecognitionConfig("en"), Deadline.after(60)).words
    assert runs[0] is False
    assert 1 <= runs.count(True) <= MOST


def test_a_deadline_leaves_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is not worth losing it."""
    model = transcriber(MULTILINGUAL_VOCABULARY)
    expected = model.transcribe(SECOND, RecognitionConfig("en"), Deadline.after(60))
    search = model._search.run

    def run(*arguments: Any, goes_on: bool = False) -> list[Decoded]:
        if goes_on:
            return [Decoded(error=DeadlineExceeded("deadline", "Too late.", "Wait."))]
        return search(*arguments, goes_on=goes_on)

    monkeypatch.setattr(module, "missed_s", lambda *_: 1.0)
    monkeypatch.setattr(model._search, "run", run)
    assert model.transcribe(SECOND, RecognitionConfig("en"), Deadline.after(60)) == expected


@pytest.mark.parametrize(
    ("context", "text", "repeats"),
    [
        ("We went home. He was late.", "He was late.", True),
        ("We went home. He was late.", "he was late", True),
        ("We went home. He was late.", "He was late again.", False),
        ("We went home. Yes.", "Yes.", False),
        ("집에 갔어요. 그는 늦게 왔습니다.", "그는 늦게 왔습니다", True),
    ],
)
def test_the_end_of_the_context_is_no_text(context: str, text: str, *, repeats: bool) -> None:
    """Perhaps it was written a second time; it is decoded without the context then. Short answers may be repeated."""
    utterance = Utterance(0, request(RecognitionConfig("en", context=Context(SECOND, context, "en"))))
    assert utterance.repeats_context(text) == repeats
    utterance.drop_context()
    assert not utterance.repeats_context(text)


@pytest.mark.parametrize(
    ("language", "no_speech", "samples", "fits"),
    [
        ("en", 0.1, SAMPLE_RATE, True),
        ("", 0.1, SAMPLE_RATE, True),
        ("de", 0.1, SAMPLE_RATE, False),
        ("en", 0.7, SAMPLE_RATE, False),
        ("en", 0.1, LONGEST_WITH_CONTEXT - SAMPLE_RATE, True),
        ("en", 0.1, LONGEST_WITH_CONTEXT - SAMPLE_RATE + 1, False),
    ],
)
def test_a_context_fits_speech_of_its_language(language: str, no_speech: float, samples: int, *, fits: bool) -> None:
    context = Context(np.zeros(samples, np.float32), "said", language)
    utterance = Utterance(0, request(RecognitionConfig("en", context=context)), language="en", no_speech_prob=no_speech)
    assert utterance.fits_context() == fits


def test_a_long_context_leaves_the_decoder_room() -> None:
    """Its tokens and those of the text are 16 at most in this model."""
    model = transcriber(MULTILINGUAL_VOCABULARY)
    alone = model.transcribe(SECOND, RecognitionConfig("en"), Deadline.after(60))
    config = RecognitionConfig("en", context=Context(SECOND, "one two three four five six seven", "en"))
    assert model.transcribe(SECOND, config, Deadline.after(60)).text == alone.text


def test_a_prompt_goes_on_with_a_text_behind_its_context() -> None:
    assert Prompt((1, 2, 3, 4, 5), 0, prefix_len=1, context_len=2).followed_by([6, 7]) == Prompt(
        (1, 2, 3, 4, 6, 7), 0, prefix_len=2, context_len=2
    )
