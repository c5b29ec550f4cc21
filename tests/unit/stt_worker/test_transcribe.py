"""The task of final texts: a claimed job is transcribed and handed on, with any result of the engine."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from infra.celery_app import AGED, AHEAD, LIVE, PRIORITIES
from infra.ledger.ledger import Claim, Verdict
from infra.watchdog import Limits
from infra.worker import Worker
from stt_worker.engines.base import Hypothesis, RecognitionConfig, Word
from stt_worker.engines.deadline import Deadline, DeadlineExceeded
from stt_worker.tasks.transcribe import Transcription
from stt_worker.tasks.transcript import language_to_keep, reason_not_shown
from tests.support.clock_steps import STEPS_S, step_during
from tests.support.speakers import audio_job
from wire import names
from wire.audio import Samples, encode_pcm
from wire.messages.jobs import AnalyzeText, NoSpeechReason, TranscribeAudio
from wire.messages.results import NoSpeech, segment_end

PCM = np.array([0, 16_384, -32_768], dtype=np.int16)


def make_hypothesis(
    text: str = " Good morning.",
    language: str = "en",
    *,
    probability: float | None = 0.9,
    logprob: float = -0.3,
    no_speech: float = 0.05,
    words_s: float = 0.6,
) -> Hypothesis:
    """Each word takes ``words_s``."""
    words = tuple(Word(f" {word}", words_s * n, words_s * (n + 1), 0.9) for n, word in enumerate(text.split()))
    return Hypothesis(text, language, probability, logprob, no_speech, words)


class Engine:
    """Returns ``answer`` for any audio, or raises it."""

    name = "base"
    revision = "1"

    def __init__(self, answer: Hypothesis | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[list[float], RecognitionConfig]] = []

    def transcribe(self, audio: Samples, config: RecognitionConfig, deadline: Deadline) -> Hypothesis:
        assert deadline.seconds == 60
        self.asked.append((audio.tolist(), config))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Ledger:
    """A ledger with one utterance in it."""

    def __init__(self, claim: Claim, pcm: bytes | None, *, quickest: bool = True) -> None:
        self._claim, self._pcm, self._quickest = claim, pcm, quickest
        self.advanced: list[tuple[AnalyzeText, str | None]] = []
        self.given_back: list[str] = []

    def claim(self, _job: TranscribeAudio, stage: str, _worker: str) -> Claim:
        assert stage == "stt"
        return self._claim

    def audio(self, _job: TranscribeAudio) -> bytes | None:
        return self._pcm

    def advance(self, _job: TranscribeAudio, analysis: AnalyzeText, keep: str | None) -> AnalyzeText | None:
        self.advanced.append((analysis, keep))
        return analysis if self._quickest else None

    def abandon(self, _job: TranscribeAudio, _worker: str, error: str) -> None:
        self.given_back.append(error)


class Redis:
    """Notes what is published, in the stream and on the channel."""

    def __init__(self) -> None:
        self.stream: list[str] = []
        self.channel: list[str] = []

    def pipeline(self) -> "Redis":
        return self

    def execute_command(self, command: str, key: str, *fields: str, **_: Any) -> list[None]:
        assert command == "HMGET"
        assert key.startswith(names.context(""))
        return [None for _ in fields]

    def xadd(self, stream: str, fields: dict[str, str], **_: Any) -> None:
        assert stream == names.stream(names.RESULT_CHANNEL)
        self.stream += fields.values()

    def publish(self, channel: str, data: str) -> None:
        assert channel == names.RESULT_CHANNEL
        self.channel.append(data)

    def execute(self) -> None: ...


class Task:
    """One run of the stage with hand-made surroundings."""

    def __init__(
        self,
        answer: Hypothesis | Exception,
        *,
        verdict: Verdict = "claimed",
        known: str | None = None,
        pcm: bytes | None = encode_pcm(PCM),
        quickest: bool = True,
        job: TranscribeAudio | None = None,
    ) -> None:
        self.engine = Engine(answer)
        self.ledger = Ledger(Claim(verdict, 1, known), pcm, quickest=quickest)
        self.redis = Redis()
        self.sent: list[AnalyzeText] = []
        worker: Any = Worker("redis://127.0.0.1:1/0", names.STT_WORKER, Limits(deadline_s=60, max_rss_mb=0))
        worker.model, worker.ledger, worker.redis, worker.scratch = self.engine, self.ledger, self.redis, self.redis
        Transcription(worker, self.sent.append, min_logprob=-1.5).run(job or audio_job(3, room="kitchen"))


def test_what_was_said_goes_on_to_the_analysis() -> None:
    """The transcript is in the ledger before it is in the queue; the job's fields are kept, its clock is extended."""
    task = Task(make_hypothesis())
    (analysis,) = task.sent
    assert task.ledger.advanced == [(analysis, "en")]
    assert (analysis.session_id, analysis.room, analysis.segment) == (audio_job().session_id, "kitchen", 3)
    assert (analysis.transcript.text, analysis.transcript.language) == ("Good morning.", "en")
    assert (analysis.transcript.model, analysis.transcript.avg_logprob) == ("base", -0.3)
    clock = analysis.clock
    assert clock.queued == audio_job(3).clock.queued
    assert clock.stt_start is not None
    assert clock.stt_end is not None
    assert clock.stt_start <= clock.stt_end
    assert task.redis.stream == []


@pytest.mark.parametrize("continues", [True, False, None])
def test_evidence_that_a_sentence_goes_on_reaches_the_analysis(continues: bool | None) -> None:
    (analysis,) = Task(replace(make_hypothesis(), continues=continues)).sent
    assert analysis.transcript.continues is continues


@pytest.mark.parametrize("step_s", STEPS_S)
def test_length_of_a_transcription_is_right_when_the_clock_is_set(
    monkeypatch: pytest.MonkeyPatch, step_s: float
) -> None:
    step_during(monkeypatch, Engine, "transcribe", step_s)
    clock = Task(make_hypothesis()).sent[0].clock
    assert clock.stt_start is not None
    assert clock.stt_end is not None
    assert 0 <= clock.stt_end - clock.stt_start < 0.4


def test_engine_gets_the_samples_as_floats() -> None:
    """Int16 becomes −1…1."""
    assert Task(make_hypothesis()).engine.asked[0][0] == [0.0, 0.5, -1.0]


def test_aged_job_takes_turns_with_interim_texts_inside_a_worker() -> None:
    """It preempts none of them, and its analysis is no more urgent than those of other files."""
    engine, ledger = Engine(make_hypothesis()), Ledger(Claim("claimed", 2, None, aged=True), encode_pcm(PCM))
    sent: list[AnalyzeText] = []
    worker: Any = Worker("redis://127.0.0.1:1/0", names.STT_WORKER, Limits(deadline_s=60, max_rss_mb=0))
    worker.model, worker.ledger, worker.redis = engine, ledger, Redis()
    worker.scratch = worker.redis
    Transcription(worker, sent.append, min_logprob=-1.5).run(audio_job(ahead=True))
    ((_, config),) = engine.asked
    assert config.priority == AGED == PRIORITIES["interim"]
    assert [analysis.ahead for analysis in sent] == [True]


@pytest.mark.parametrize(("ahead", "priority"), [(False, LIVE), (True, AHEAD)])
def test_class_of_a_job_goes_to_the_engine_and_to_the_analysis(ahead: bool, priority: int) -> None:
    """A file waits behind people who talk, in a worker as in both queues."""
    task = Task(make_hypothesis(), job=audio_job(ahead=ahead))
    (_, config) = task.engine.asked[0]
    assert config.priority == priority
    assert [analysis.ahead for analysis in task.sent] == [ahead]


@pytest.mark.parametrize(("fixed", "known"), [("ko", "de"), (None, "de"), (None, None)])
def test_language_is_fixed_by_the_user_only(fixed: str | None, known: str | None) -> None:
    """The one that was detected before is expected."""
    task = Task(make_hypothesis(probability=None if fixed else 0.9), known=known, job=audio_job(language=fixed))
    (_, config) = task.engine.asked[0]
    assert (config.language, config.expected_language) == (fixed, known)


@pytest.mark.parametrize(("fixed", "languages", "kept"), [(None, ("ko", "en"), "en"), ("ko", ("ko",), None)])
def test_languages_that_the_session_allows_go_to_the_engine(
    fixed: str | None, languages: tuple[str, ...], kept: str | None
) -> None:
    """The one that is detected among several is expected again."""
    job = audio_job(language=fixed, ms=2_000).model_copy(update={"languages": languages})
    task = Task(make_hypothesis(probability=None if fixed else 0.9), job=job)
    (_, config) = task.engine.asked[0]
    assert (config.language, config.languages) == (fixed, languages)
    assert [language for _, language in task.ledger.advanced] == [kept]


@pytest.mark.parametrize(
    ("hypothesis", "kept"),
    [
        (make_hypothesis(probability=0.6), "en"),
        (make_hypothesis(probability=0.59), None),
        (make_hypothesis(probability=None), None),
        (make_hypothesis("I am fine.", words_s=0.35), "en"),
        (make_hypothesis("안녕하세요.", "ko", words_s=1.3), "ko"),
        (make_hypothesis("Okay.", probability=0.99, words_s=0.7), None),
        (make_hypothesis("Mhm.", probability=0.99, words_s=0.9), None),
        (make_hypothesis("네", "ko", probability=0.99, words_s=0.5), None),
        (make_hypothesis("okay okay okay", probability=0.99, words_s=0.7), None),
        (make_hypothesis("No, no! No. NO", probability=0.99, words_s=0.5), None),
    ],
)
def test_language_is_kept_when_it_is_certain(hypothesis: Hypothesis, kept: str | None) -> None:
    """A short answer does not decide on the sentences after it, with any silence, however often it is said."""
    assert language_to_keep(hypothesis) == kept
    assert Task(hypothesis, job=audio_job(ms=5_000)).ledger.advanced[0][1] == kept


def test_a_job_that_a_partial_found_silent_is_not_transcribed() -> None:
    """It ends as ``no_speech`` at once, even without its audio, for the reason that the partial gave."""
    found = {"no_speech_prob": 0.9, "no_speech_reason": "uncertain"}
    job = audio_job(3, room="kitchen").model_copy(update=found)
    task = Task(make_hypothesis(), job=job, pcm=None)
    end = segment_end.validate_json(task.redis.channel[0])
    assert isinstance(end, NoSpeech)
    assert (end.segment, end.no_speech_prob, end.reason) == (3, 0.9, "uncertain")
    assert (task.engine.asked, task.sent, task.ledger.given_back) == ([], [], [])


@pytest.mark.parametrize(
    ("hypothesis", "reason"),
    [
        (make_hypothesis(), None),
        (make_hypothesis("네", "ko"), None),
        (make_hypothesis("yes", logprob=-1.4), None),
        (make_hypothesis("yes", logprob=-1.5), None),
        (make_hypothesis("", logprob=-0.1), "silence"),
        (make_hypothesis("  \n"), "silence"),
        (make_hypothesis("", logprob=-2.9), "silence"),
        (make_hypothesis("Thank you.", no_speech=0.8, logprob=-1.2), "silence"),
        (make_hypothesis("Thank you.", no_speech=0.8, logprob=-0.4), None),
        (make_hypothesis("오오", "ko", no_speech=0.36, logprob=-2.9), "uncertain"),
        (make_hypothesis("yes", logprob=-1.51), "uncertain"),
    ],
)
def test_silence_and_guesses_are_not_shown_and_short_answers_survive(
    hypothesis: Hypothesis, reason: NoSpeechReason | None
) -> None:
    """An utterance without a text to show ends as ``no_speech``; it is neither analysed nor shown."""
    assert reason_not_shown(hypothesis, -1.5) == reason
    task = Task(hypothesis)
    assert bool(task.sent) == bool(task.ledger.advanced) == (reason is None)
    if reason is not None:
        end = segment_end.validate_json(task.redis.stream[0])
        assert isinstance(end, NoSpeech)
        assert (end.segment, end.room, end.no_speech_prob) == (3, "kitchen", hypothesis.no_speech_prob)
        assert end.reason == reason
        assert end.clock.stt_end is not None
        assert task.redis.channel == task.redis.stream
        assert hypothesis.text.strip() not in json.loads(task.redis.stream[0]).values()
    assert task.ledger.given_back == []


@pytest.mark.parametrize("verdict", ["gone", "taken", "exhausted"])
def test_a_job_that_is_not_ours_costs_nothing(verdict: Verdict) -> None:
    """Delivered twice, held by another worker, or tried too often: the engine does not run."""
    task = Task(make_hypothesis(), verdict=verdict)
    assert task.engine.asked == []
    assert task.sent == []
    assert task.redis.stream == []
    assert task.ledger.given_back == []


def test_the_slower_worker_sends_nothing() -> None:
    """Another worker took over meanwhile and has handed the transcript on."""
    task = Task(make_hypothesis(), quickest=False)
    assert task.ledger.advanced
    assert task.sent == []


def test_audio_that_has_expired_is_given_back_with_the_reason() -> None:
    """The engine does not run."""
    task = Task(make_hypothesis(), pcm=None)
    assert task.engine.asked == []
    assert task.ledger.given_back == ["The audio is no longer stored."]


def test_a_deadline_gives_the_claim_back() -> None:
    """With a message that people may see."""
    task = Task(DeadlineExceeded("stt_deadline", "Transcribing took longer than 60 s.", "Use more workers."))
    assert task.ledger.given_back == ["Transcribing took longer than 60 s."]
    assert task.sent == []


def test_an_engine_that_breaks_gives_the_claim_back() -> None:
    """Out of memory on one utterance: the sweeper sends it again, the worker lives."""
    task = Task(MemoryError("1 GiB"))
    assert task.ledger.given_back == ["internal error (MemoryError)"]
    assert task.redis.stream == []


def test_an_unavailable_queue_loses_nothing() -> None:
    """The transcript is in the ledger by then, from where the sweeper sends it; the worker lives."""

    def send_error(_: AnalyzeText) -> None:
        raise ConnectionError("away")

    engine, ledger = Engine(make_hypothesis()), Ledger(Claim("claimed", 1, None), encode_pcm(PCM))
    worker: Any = Worker("redis://127.0.0.1:1/0", names.STT_WORKER, Limits(deadline_s=60, max_rss_mb=0))
    worker.model, worker.ledger, worker.redis = engine, ledger, Redis()
    worker.scratch = worker.redis
    Transcription(worker, send_error, min_logprob=-1.5).run(audio_job())
    assert len(ledger.advanced) == 1


def test_deadline_is_over_when_its_seconds_are() -> None:
    """A check in time passes."""
    Deadline.after(60).check()
    with pytest.raises(DeadlineExceeded) as over:
        Deadline(seconds=2, started=Deadline.after(2).started - 3).check()
    assert "2 s" in over.value.message
    assert "STT_DEADLINE_S" in over.value.remedy
