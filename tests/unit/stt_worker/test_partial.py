"""A partial text is transcribed once, sent to its gateway, and preempted by more urgent jobs."""

from dataclasses import replace
from typing import Any

import pytest

from infra.watchdog import Limits
from infra.worker import Worker
from stt_worker.engines.base import Hypothesis, RecognitionConfig, Word
from stt_worker.engines.deadline import Deadline, Preempted, PreemptibleDeadline
from stt_worker.tasks.partial import PartialTranscription
from tests.support.clock_steps import STEPS_S, step_during
from tests.support.speakers import ALICE
from wire import names
from wire.audio import Samples
from wire.errors import ModelError
from wire.messages.jobs import Partial, TranscribePartial

HYPOTHESIS = Hypothesis(
    text=" Good morning.",
    language="en",
    language_probability=0.9,
    avg_logprob=-0.3,
    no_speech_prob=0.05,
    words=(Word(" Good", 0.0, 0.5, 0.9), Word(" morning.", 0.5, 1.1, 0.8)),
)
CHANNEL = "wta:partials:test"


class Engine:
    name, revision = "base", "1"

    def __init__(self, answer: Hypothesis | Exception) -> None:
        self.answer = answer
        self.asked: list[RecognitionConfig] = []
        self.deadlines: list[Deadline] = []

    def transcribe(self, audio: Samples, config: RecognitionConfig, deadline: Deadline) -> Hypothesis:
        assert len(audio) == 32_000
        self.asked.append(config)
        self.deadlines.append(deadline)
        deadline.check()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Redis:
    """The audio of one partial, and a session's language."""

    def __init__(self, key: str, *, left_ms: int = 9_990) -> None:
        self.audio = {key: bytes(64_000)}
        self.left_ms = left_ms
        self.published: list[tuple[str, Partial]] = []

    def execute_command(self, command: str, key: str, *fields: str, **_: Any) -> bytes | list[None] | None:
        if command == "HMGET":
            return [None for _ in fields]
        assert command == "GETDEL"
        return self.audio.pop(key, None)

    def pttl(self, key: str) -> int:
        return self.left_ms if key in self.audio else -2

    def hget(self, _key: str, field: str) -> str:
        assert field == "detected_language"
        return "ko"

    def publish(self, channel: str, data: str) -> None:
        self.published.append((channel, Partial.model_validate_json(data)))


def job(**changes: Any) -> TranscribePartial:
    fields: dict[str, Any] = {
        "session_id": ALICE,
        "segment": 3,
        "revision": 2,
        "purpose": "final",
        "start_ms": 5_000,
        "audio_key": names.partial_audio(ALICE, 3, 2),
        "prefix": " Good",
        "reply_to": CHANNEL,
    }
    return TranscribePartial(**fields | changes)


def worker_with(redis: Redis) -> Any:
    worker: Any = Worker("redis://127.0.0.1:1/0", names.STT_WORKER, Limits(deadline_s=60, max_rss_mb=0))
    worker.redis = worker.scratch = redis
    return worker


def run(task: TranscribePartial, redis: Redis, answer: Hypothesis | Exception = HYPOTHESIS) -> Engine:
    worker = worker_with(redis)
    engine = worker.model = Engine(answer)
    PartialTranscription(worker, min_logprob=-1.5).run(task)
    return engine


def test_the_text_is_sent_to_the_gateway_of_the_job() -> None:
    redis = Redis(job().audio_key)
    engine = run(job(), redis)
    ((channel, partial),) = redis.published
    assert channel == CHANNEL
    assert (partial.session_id, partial.segment, partial.revision) == (ALICE, 3, 2)
    assert partial.transcript is not None
    assert partial.transcript.text == "Good morning."
    assert [(word.start_ms, word.end_ms) for word in partial.transcript.words] == [(5_000, 5_500), (5_500, 6_100)]
    assert partial.keep_language == "en"
    assert engine.asked == [RecognitionConfig(prefix=" Good", expected_language="ko", session=ALICE, priority=3)]


@pytest.mark.parametrize("evidence", [-2.5, 0.0, 1.25, None])
def test_the_evidence_of_a_sentences_end_is_sent_with_its_text(evidence: float | None) -> None:
    """Without it, the message has no such field: older gateways read it as before."""
    redis = Redis(job().audio_key)
    run(job(), redis, replace(HYPOTHESIS, sentence_end=evidence))
    ((_, partial),) = redis.published
    assert partial.transcript is not None
    assert partial.sentence_end == evidence
    assert ("sentence_end" in partial.model_dump()) == (evidence is not None)


def test_languages_that_the_session_allows_go_to_the_engine() -> None:
    (config,) = run(job(languages=("fr", "en")), Redis(job().audio_key)).asked
    assert (config.language, config.languages) == (None, ("fr", "en"))


def test_a_withdrawn_partial_costs_nothing() -> None:
    redis = Redis("another")
    assert not run(job(), redis).asked
    assert not redis.published


@pytest.mark.parametrize("left_ms", [9_000, 8_200, 1])
@pytest.mark.parametrize("purpose", ["interim", "final"])
def test_a_stale_partial_costs_nothing(purpose: str, left_ms: int) -> None:
    """Redis counts its age. The audio stays, so that the gateway sees that no worker has begun."""
    redis = Redis(job().audio_key, left_ms=left_ms)
    assert not run(job(purpose=purpose), redis).asked
    assert not redis.published
    assert job().audio_key in redis.audio


@pytest.mark.parametrize("left_ms", [9_999, 9_500, 9_001])
def test_a_partial_that_has_waited_for_less_than_a_second_is_begun(left_ms: int) -> None:
    redis = Redis(job().audio_key, left_ms=left_ms)
    assert run(job(), redis).asked
    assert len(redis.published) == 1


def test_only_one_worker_takes_a_partial() -> None:
    redis = Redis(job().audio_key)
    run(job(), redis)
    assert not run(job(), redis).asked
    assert len(redis.published) == 1


def test_an_interim_text_is_preempted() -> None:
    """The gateway gets an empty answer; a final text goes on."""
    redis = Redis(job().audio_key)
    engine = run(job(purpose="interim"), redis, Preempted())
    assert [partial.transcript for _, partial in redis.published] == [None]
    assert isinstance(engine.deadlines[0], PreemptibleDeadline)
    redis = Redis(job().audio_key)
    engine = run(job(), redis)
    assert engine.asked
    assert redis.published[0][1].transcript is not None
    assert not isinstance(engine.deadlines[0], PreemptibleDeadline)


def test_silence_is_reported_as_no_speech() -> None:
    """So that it is not transcribed again."""
    redis = Redis(job().audio_key)
    run(job(), redis, Hypothesis("", "en", 0.9, 0.0, 0.99))
    ((_, partial),) = redis.published
    assert (partial.transcript, partial.no_speech_prob, partial.keep_language) == (None, 0.99, None)
    assert partial.no_speech_reason == "silence"


@pytest.mark.parametrize("purpose", ["final", "interim"])
def test_an_improbable_text_is_not_sent(purpose: str) -> None:
    """Nor is its language kept."""
    redis = Redis(job().audio_key)
    run(job(purpose=purpose), redis, replace(HYPOTHESIS, avg_logprob=-2.9))
    ((_, partial),) = redis.published
    assert (partial.transcript, partial.no_speech_prob, partial.keep_language) == (None, 0.05, None)
    assert partial.no_speech_reason == "uncertain"


def test_the_language_of_a_short_answer_is_not_kept() -> None:
    """Though the utterance has two seconds."""
    redis = Redis(job().audio_key)
    run(job(), redis, replace(HYPOTHESIS, text=" Okay.", words=(Word(" Okay.", 0.0, 0.7, 0.9),)))
    ((_, partial),) = redis.published
    assert partial.transcript is not None
    assert partial.keep_language is None


@pytest.mark.parametrize("answer", [ModelError("stt_language", "No.", "Choose another."), ValueError("broken")])
def test_a_failure_is_answered_without_a_text(answer: Exception) -> None:
    """The utterance is transcribed later, which reports the error."""
    redis = Redis(job().audio_key)
    run(job(), redis, answer)
    assert [(partial.transcript, partial.no_speech_prob) for _, partial in redis.published] == [(None, None)]


@pytest.mark.parametrize("step_s", STEPS_S)
def test_cost_of_a_partial_is_right_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch, step_s: float) -> None:
    """The gateway requests the next one by it: after an hour, there would be none."""
    step_during(monkeypatch, Engine, "transcribe", step_s)
    task = job()
    redis = Redis(task.audio_key)
    run(task, redis)
    ((_, partial),) = redis.published
    assert 0 <= partial.stt_end - partial.stt_start < 0.4
