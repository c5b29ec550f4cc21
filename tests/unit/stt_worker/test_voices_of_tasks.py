"""The tasks store the voice of a text before they send anything that leads to its release."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from infra.ledger.ledger import Claim
from infra.voiceprints import Voiceprint
from infra.watchdog import Limits
from infra.worker import Worker
from stt_worker.engines.base import Hypothesis, RecognitionConfig
from stt_worker.engines.deadline import Deadline
from stt_worker.tasks.partial import PartialTranscription
from stt_worker.tasks.transcribe import Transcription
from tests.support.speakers import ALICE, audio_job
from wire import names
from wire.audio import Samples
from wire.messages.jobs import AnalyzeText, TranscribePartial

SPOKEN = Hypothesis(
    "Good morning.", "en", 0.9, -0.3, 0.05, voice=Voiceprint.of("campplus", 1.0, np.eye(4, dtype=np.float32)[0])
)
STORED = f"stored {names.voiceprint(ALICE, 3)}"


class Surroundings:
    """Engine, ledger and Redis of one worker, which note what happens in turn."""

    name, revision = "base", "1"

    def __init__(self, answer: Hypothesis) -> None:
        self.done: list[str] = []
        self._answer = answer

    def transcribe(self, _audio: Samples, _config: RecognitionConfig, _deadline: Deadline) -> Hypothesis:
        return self._answer

    def claim(self, *_: object) -> Claim:
        return Claim("claimed", 1, None)

    def audio(self, _job: object) -> bytes:
        return bytes(32_000)

    def advance(self, _job: object, analysis: AnalyzeText, _language: object) -> AnalyzeText:
        self.done.append("advanced")
        return analysis

    def execute_command(self, command: str, *_: str, **__: Any) -> Any:
        return bytes(32_000) if command == "GETDEL" else [None] * 4

    def pttl(self, _key: str) -> int:
        return 10_000

    def hget(self, *_: str) -> None: ...

    def publish(self, channel: str, _data: str) -> None:
        self.done.append(f"published to {channel}")

    def pipeline(self, **_: bool) -> "Surroundings":
        return self

    def register_script(self, _script: str) -> "Surroundings":
        return self

    def __call__(self, keys: list[str], args: list[Any]) -> None:
        assert SPOKEN.voice is not None
        assert args[-1] == SPOKEN.voice.model_dump_json()
        self.done.append(f"stored {keys[0]}")

    def xadd(self, *_: object, **__: object) -> None:
        self.done.append("added to the stream")

    def execute(self) -> None: ...

    def worker(self) -> Any:
        worker: Any = Worker("redis://127.0.0.1:1/0", names.STT_WORKER, Limits(deadline_s=60, max_rss_mb=0))
        worker.model = worker.ledger = worker.redis = worker.scratch = self
        return worker


def test_the_voice_of_a_final_text_is_stored_before_it_goes_on() -> None:
    """So the listener finds it with the result."""
    around = Surroundings(SPOKEN)
    Transcription(around.worker(), lambda _job: None, min_logprob=-1.5).run(audio_job(3))
    assert around.done == [STORED, "advanced"]


@pytest.mark.parametrize("answer", [replace(SPOKEN, avg_logprob=-2.0), replace(SPOKEN, text=" ", no_speech_prob=0.9)])
def test_a_text_that_is_not_shown_leaves_no_voice(answer: Hypothesis) -> None:
    """Its utterance has no text that somebody said."""
    around = Surroundings(answer)
    Transcription(around.worker(), lambda _job: None, min_logprob=-1.5).run(audio_job(3))
    assert STORED not in around.done


def test_the_voice_of_a_text_in_a_pause_is_stored_before_the_answer() -> None:
    """The pause may be the end: then this text is the final one."""
    around = Surroundings(SPOKEN)
    job = TranscribePartial(
        session_id=ALICE, segment=3, revision=1, purpose="final", start_ms=0, reply_to="channel", audio_key="key"
    )
    PartialTranscription(around.worker(), min_logprob=-1.5).run(job)
    assert around.done == [STORED, "published to channel"]
