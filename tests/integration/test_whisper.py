"""The real model in the real worker: what was said comes out, and silence stays silent."""

import re
import wave
from pathlib import Path
from typing import Literal

import jiwer
import numpy as np
import pytest
import torch
import whisper
from celery import Celery
from torch import Tensor
from whisper.audio import log_mel_spectrogram, pad_or_trim
from whisper.model import Whisper
from whisper.tokenizer import Tokenizer, get_tokenizer

from fastapi_service.storage.sessions import SessionStore
from infra.celery_app import send_job
from infra.ledger.admission import Admission
from infra.ledger.ledger import Ledger
from infra.results import FIELD
from infra.settings import WireSettings, load_settings
from stt_worker.engines.base import Context, Hypothesis, RecognitionConfig
from stt_worker.engines.deadline import Deadline, DeadlineExceeded
from stt_worker.engines.whisper import fallback
from stt_worker.engines.whisper.greedy import Decoded, GreedySearch
from stt_worker.engines.whisper.load import load_whisper
from stt_worker.engines.whisper.processor import choose_numerics
from stt_worker.engines.whisper.prompt import Prompt
from stt_worker.numerics import FLOAT32
from stt_worker.settings import Settings
from stt_worker.weights.find import find_weights
from tests.support.eventually import eventually
from tests.support.exact_scores import Program, check_rounding, check_same_text, judge
from tests.support.machines import Processes
from tests.support.recordings import recording
from tests.support.redis import AsyncRedis, Redis
from tests.support.speakers import audio_job
from tests.support.utterances import outcomes_of
from wire import names
from wire.audio import SAMPLE_RATE, Samples, encode_pcm
from wire.messages.client import Start
from wire.messages.jobs import AnalyzeText
from wire.messages.results import NoSpeech, segment_end

# The library leaves its word lists to the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore:.*tiktoken:pytest.PytestUnraisableExceptionWarning")

CLIP = Path(__file__).parents[1] / "data" / "jfk.wav"
SAID = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
LOAD_S = 120


@pytest.fixture(scope="module")
def weights() -> Path:
    """Whisper's base model, downloaded once."""
    return find_weights("base", load_settings(WireSettings).model_cache)


async def test_speech_is_heard_and_silence_is_not(
    weights: Path, redis: Redis, aredis: AsyncRedis, celery: Celery, processes: Processes
) -> None:
    """A sentence goes to the analysis with at most every fifth word wrong; digital silence and a hiss end there."""
    with wave.open(str(CLIP)) as file:
        speech = file.readframes(file.getnframes())
    hiss = np.random.default_rng(1).normal(0, 30, 32_000).astype(np.int16)
    record, _ = await SessionStore(aredis, 600).create(Start())
    admission = Admission(aredis)
    for segment, pcm in enumerate([speech, bytes(2 * 32_000), encode_pcm(hiss)]):
        job = audio_job(segment, record.session_id, ms=11_000)
        assert await admission.admit(record.owner, job, pcm, segment, 600) == "admitted"
        send_job(celery, job)
    processes.worker("stt_worker", names.STT_QUEUE, STT_MODEL=str(weights), STT_THREADS="2")

    stream = names.stream(names.RESULT_CHANNEL)
    eventually(lambda: redis.xlen(stream) == 2, LOAD_S)
    silent = [segment_end.validate_json(fields[FIELD]) for _, fields in redis.xrange(stream)]
    assert [(type(end), end.segment) for end in silent] == [(NoSpeech, 1), (NoSpeech, 2)]

    heard = Ledger(redis).pending(1)[0].job
    assert isinstance(heard, AnalyzeText)
    words = re.sub(r"[^\w\s]", "", heard.transcript.text.lower())
    assert jiwer.wer(SAID, words) <= 0.2
    assert heard.transcript.language == "en"
    assert redis.hget(names.session(record.session_id), "detected_language") == "en"
    assert heard.transcript.avg_logprob > -0.6


def test_a_batch_gives_each_utterance_the_text_that_it_has_alone(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float32, as a GPU would do it: lengths, languages, prompts and windows of their own, and one that fails."""
    needs_fallback = fallback.needs_fallback

    def refuses_lobsters(decoded: Decoded, text: str, **how: bool) -> bool:
        return "lobster" in text.lower() or needs_fallback(decoded, text, **how)

    monkeypatch.setattr(fallback, "needs_fallback", refuses_lobsters)
    engine = load_whisper(Settings(model=str(weights), device="cpu", numerics="float32"))
    asked = [
        ("jfk.wav", RecognitionConfig()),
        ("silly.wav", RecognitionConfig("en", prompt="Elizabeth")),
        ("lobster.wav", RecognitionConfig("en")),
        ("lobster.wav", RecognitionConfig("en", prefix="When is a lobster")),
        ("fr-course.wav", RecognitionConfig("fr", task="translate")),
    ]
    tasks = [(recording(name), request) for name, request in asked]
    alone = outcomes_of(engine, tasks)
    engine.max_batch_size = 8
    late = Deadline(seconds=1.0, started=0.0)
    deadlines = [*[Deadline.after(60)] * len(tasks), late]
    *together, failed = outcomes_of(engine, [*tasks, (recording("jfk.wav"), RecognitionConfig("en"))], deadlines)
    assert isinstance(failed, DeadlineExceeded)
    assert [heard.attempts for heard in alone if isinstance(heard, Hypothesis)][:4] == [1, 1, 2, 2]
    for one, other in zip(alone, together, strict=True):
        assert isinstance(one, Hypothesis)
        assert isinstance(other, Hypothesis)
        assert (other.text, other.language, other.attempts) == (one.text, one.language, one.attempts)
        assert [word.text for word in other.words] == [word.text for word in one.words]
        assert [word.start_s for word in other.words] == pytest.approx([word.start_s for word in one.words], abs=0.1)
        assert other.avg_logprob == pytest.approx(one.avg_logprob, abs=0.01)


def test_a_sentence_is_written_as_often_as_it_was_said(weights: Path) -> None:
    """The model writes one of these twice, and neither needs a second attempt."""
    engine = load_whisper(Settings(model=str(weights), device="cpu"))
    once, twice = recording("fr-course.wav"), np.tile(recording("pleased.wav"), 2)
    for audio, language, phrase, count in [(once, "fr", "course", 1), (twice, "en", "pleased", 2)]:
        heard = engine.transcribe(audio, RecognitionConfig(language), Deadline.after(60))
        assert (heard.text.lower().count(phrase), heard.attempts) == (count, 1)


@pytest.mark.parametrize("names", [("known-her", "lobster"), ("rainbow", "jfk"), ("jfk", "silly")])
def test_a_text_goes_on_as_long_as_the_speech(weights: Path, names: tuple[str, str]) -> None:
    """The model ends some texts after the first of two sentences."""
    engine = load_whisper(Settings(model=str(weights), device="cpu"))
    first, second = (recording(f"{name}.wav") for name in names)
    pause = np.zeros(4_800, dtype=np.float32)
    alone = [engine.transcribe(each, RecognitionConfig("en"), Deadline.after(60)).text for each in (first, second)]
    both = engine.transcribe(np.concatenate([first, pause, second, pause]), RecognitionConfig("en"), Deadline.after(60))
    assert jiwer.wer(_words(" ".join(alone)), _words(both.text)) <= 0.1
    assert [word.end_s for word in both.words] == sorted(word.end_s for word in both.words)
    assert both.words[-1].start_s > (len(first) + len(pause)) / SAMPLE_RATE


def test_a_text_continues_its_context(weights: Path) -> None:
    """Alone the rest of the sentence begins with a capital; its words are where they are, without the context's."""
    engine = load_whisper(Settings(model=str(weights), device="cpu"))
    speech = recording("jfk.wav")
    whole = engine.transcribe(speech, RecognitionConfig("en"), Deadline.after(60))
    for last in ("Americans,", "you,"):
        index = next(index for index, word in enumerate(whole.words) if word.text.strip() == last)
        cut = round((whole.words[index].end_s + whole.words[index + 1].start_s) / 2 * SAMPLE_RATE)
        before = "".join(word.text for word in whole.words[: index + 1])
        config = RecognitionConfig("en", context=Context(speech[:cut], before, "en"))
        rest = engine.transcribe(speech[cut:], config, Deadline.after(60))
        expected = whole.words[index + 1 :]
        assert rest.text == "".join(word.text for word in expected).strip()
        assert rest.text[0].islower()
        assert rest.attempts == 1
        for word, same in zip(rest.words, expected, strict=True):
            assert word.end_s == pytest.approx(same.end_s - cut / SAMPLE_RATE, abs=0.3)


@pytest.mark.parametrize("mark", [".", "!", "?"])
@pytest.mark.parametrize("last", ["Americans", "not"])
def test_a_sentence_goes_on_behind_a_mark(weights: Path, last: str, mark: str) -> None:
    """What follows shows that the mark was wrong, and is written without a capital."""
    engine = load_whisper(Settings(model=str(weights), device="cpu"))
    speech = recording("jfk.wav")
    whole = engine.transcribe(speech, RecognitionConfig("en"), Deadline.after(60))
    index = next(index for index, word in enumerate(whole.words) if word.text.strip(" ,") == last)
    cut = round((whole.words[index].end_s + whole.words[index + 1].start_s) / 2 * SAMPLE_RATE)
    before = "".join(word.text for word in whole.words[: index + 1]).rstrip(",") + mark
    config = RecognitionConfig("en", context=Context(speech[:cut], before, "en"))
    rest = engine.transcribe(speech[cut:], config, Deadline.after(60))
    assert rest.continues is True
    assert rest.text == "".join(word.text for word in whole.words[index + 1 :]).strip()
    assert rest.text[0].islower()


@pytest.mark.parametrize(
    ("first", "second"), [("rainbow", "lobster"), ("known-her", "silly"), ("spiteful", "pleased"), ("jfk", "rainbow")]
)
def test_another_sentence_does_not_go_on(weights: Path, first: str, second: str) -> None:
    """The mark before it stays, and the text is that of the sentence."""
    engine = load_whisper(Settings(model=str(weights), device="cpu"))
    said, following = (recording(f"{name}.wav") for name in (first, second))
    before = engine.transcribe(said, RecognitionConfig("en"), Deadline.after(60)).text
    config = RecognitionConfig("en", context=Context(said, before, "en"))
    found = engine.transcribe(following, config, Deadline.after(60))
    assert before.endswith((".", "?", "!"))
    assert found.continues is False
    assert found.text[0].isupper()


def test_nothing_shows_whether_a_sentence_goes_on_without_a_mark(weights: Path) -> None:
    engine = load_whisper(Settings(model=str(weights), device="cpu"))
    speech = recording("jfk.wav")
    context = Context(speech[: 3 * SAMPLE_RATE], "And so, my fellow Americans,", "en")
    for each in (None, context):
        config = RecognitionConfig("en", context=each)
        assert engine.transcribe(speech[3 * SAMPLE_RATE :], config, Deadline.after(60)).continues is None


def test_the_end_of_a_sentence_shows(weights: Path) -> None:
    """More than any pause in it; not in a translation, and not when the text ends long before the audio."""
    engine = load_whisper(Settings(model=str(weights), device="cpu"))
    speech, silence = recording("jfk.wav"), np.zeros(3 * SAMPLE_RATE // 2, np.float32)

    def evidence(audio: Samples, task: Literal["transcribe", "translate"] = "transcribe") -> float | None:
        return engine.transcribe(audio, RecognitionConfig("en", task=task), Deadline.after(60)).sentence_end

    whole = evidence(speech)
    assert whole is not None
    words = engine.transcribe(speech, RecognitionConfig("en"), Deadline.after(60)).words
    for last in ("Americans,", "you,"):
        index = next(index for index, word in enumerate(words) if word.text.strip() == last)
        inside = evidence(speech[: round((words[index].end_s + words[index + 1].start_s) / 2 * SAMPLE_RATE)])
        assert inside is not None
        assert inside < whole - 0.5
    assert evidence(speech, "translate") is None
    assert evidence(np.concatenate([speech, silence])) is None


def test_a_context_of_another_language_is_left_out(weights: Path) -> None:
    """The language is that of the utterance alone."""
    engine = load_whisper(Settings(model=str(weights), device="cpu"))
    german = recording("de-klima.wav")
    context = Context(german, engine.transcribe(german, RecognitionConfig("de"), Deadline.after(60)).text, "de")
    for name in ("known-her", "silly"):
        alone, after = (
            engine.transcribe(recording(f"{name}.wav"), RecognitionConfig(context=each), Deadline.after(60))
            for each in (None, context)
        )
        assert alone.language == after.language == "en"
        assert after == alone


@pytest.mark.parametrize("language", ["en", None])
def test_noise_after_speech_is_as_silent_as_alone(weights: Path, language: str | None) -> None:
    engine = load_whisper(Settings(model=str(weights), device="cpu"))
    context = Context(recording("silly.wav"), "You are silly.", "en")
    hiss = np.random.default_rng(1).normal(0, 0.01, 32_000).astype(np.float32)
    alone, after = (
        engine.transcribe(hiss, RecognitionConfig(language, context=each), Deadline.after(60))
        for each in (None, context)
    )
    assert after.no_speech_prob == pytest.approx(alone.no_speech_prob, abs=0.05)
    assert after.text == alone.text


def test_a_context_that_leaves_no_room_is_left_out(weights: Path) -> None:
    engine = load_whisper(Settings(model=str(weights), device="cpu"))
    speech = recording("jfk.wav")
    config = RecognitionConfig("en", context=Context(np.tile(speech, 2), "said", "en"))
    assert engine.transcribe(speech, config, Deadline.after(60)).text == (
        engine.transcribe(speech, RecognitionConfig("en"), Deadline.after(60)).text
    )


def _words(text: str) -> str:
    return re.sub(r"[^a-z ]", "", text.lower())


def test_words_are_said_when_the_library_says_so(weights: Path) -> None:
    """Their ends: after a pause, the library lets a word begin with the pause."""
    engine = load_whisper(Settings(model=str(weights), device="cpu"))
    audio = recording("jfk.wav")
    heard = engine.transcribe(audio, RecognitionConfig("en"), Deadline.after(60))
    theirs = whisper.load_model(str(weights), device="cpu").transcribe(
        audio, language="en", fp16=False, word_timestamps=True
    )
    expected = [word for segment in theirs["segments"] for word in segment["words"]]
    assert [word.text.strip(" ,.") for word in heard.words] == [word["word"].strip(" ,.") for word in expected]
    late = [abs(word.end_s - other["end"]) for word, other in zip(heard.words, expected, strict=True)]
    assert np.median(late) <= 0.1
    assert max(late) <= 0.5


REAL = [
    ("jfk.wav", "en"),
    ("silly.wav", "en"),
    ("lobster.wav", "en"),
    ("rainbow.wav", "en"),
    ("de-klima.wav", "de"),
    ("fr-course.wav", "fr"),
]


def full_window(name: str) -> Tensor:
    """Return the features of a recording, (mels, 3000)."""
    features: Tensor = log_mel_spectrogram(pad_or_trim(recording(name)))
    return features


def whisper_tokenizer(model: Whisper, language: str) -> Tokenizer:
    return get_tokenizer(True, num_languages=model.num_languages, language=language, task="transcribe")


@torch.inference_mode()
def test_float32_gives_the_librarys_tokens(weights: Path) -> None:
    """Of real speech in the full window: one for one up to the end, unless two scores nearly tie."""
    model = whisper.load_model(str(weights), device="cpu")
    ours, same = Program(model, FLOAT32), 0
    for name, language in REAL:
        mel, tokenizer = full_window(name), whisper_tokenizer(model, language)
        prompt = Prompt(tokenizer.sot_sequence_including_notimestamps, sot=0)
        search = GreedySearch(ours.decoder, ours.vocabulary, tokenizer, model.device)
        (text,) = search.run(ours.decoder.precompute_cross_kv(*ours.encoder([mel])), [prompt], [448], [lambda: None])
        assert text.stop == "end", name
        same += check_same_text(model, tokenizer, text, mel, model.encoder(mel[None]))
    assert same >= len(REAL) - 1


@torch.inference_mode()
@pytest.mark.parametrize(("name", "language"), [("silly.wav", "en"), ("fr-course.wav", "fr")])
def test_the_formats_of_this_machine_are_off_by_rounding_alone(weights: Path, name: str, language: str) -> None:
    model = whisper.load_model(str(weights), device="cpu")
    judged = judge(
        model, whisper_tokenizer(model, language), Program(model, choose_numerics("auto")), full_window(name)[None]
    )
    assert judged.text.stop == "end"
    check_rounding(judged)


async def test_a_worker_with_threads_works_on_several_at_once(
    weights: Path, redis: Redis, aredis: AsyncRedis, celery: Celery, processes: Processes
) -> None:
    """``--pool=threads``: all arrive, each with its own words."""
    record, _ = await SessionStore(aredis, 600).create(Start(language="en"))
    names_ = ["lobster.wav", "silly.wav", "lobster.wav", "silly.wav"]
    for segment, name in enumerate(names_):
        job = audio_job(segment, record.session_id, ms=3_000)
        with wave.open(str(CLIP.with_name(name))) as file:
            pcm = file.readframes(file.getnframes())
        assert await Admission(aredis).admit(record.owner, job, pcm, segment, 600) == "admitted"
        send_job(celery, job)
    processes.worker("stt_worker", names.STT_QUEUE, pool="threads", concurrency=4, STT_MODEL=str(weights))
    eventually(lambda: all(entry.stage == "analysis" for entry in Ledger(redis).pending(10)), LOAD_S)
    texts = [entry.job.transcript.text for entry in Ledger(redis).pending(10) if isinstance(entry.job, AnalyzeText)]
    assert ["lobster" in text.lower() for text in texts] == [True, False, True, False]
