"""Jobs reach the queue sooner or later, and an outage is one line in the log, its end another."""

import redis.exceptions
import stamina
from structlog.testing import capture_logs

from fastapi_service.recognition.dispatcher import Dispatcher
from tests.support.eventually import soon
from tests.support.speakers import audio_job
from wire.messages.jobs import AnalyzeText, TranscribeAudio, TranscribePartial

Sendable = TranscribeAudio | AnalyzeText | TranscribePartial


class Queue:
    """Fails so many times, then takes everything."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.jobs: list[Sendable] = []

    def send(self, job: Sendable) -> None:
        if self.failures:
            self.failures -= 1
            raise redis.exceptions.ConnectionError("away")
        self.jobs.append(job)


async def test_an_outage_is_logged_once() -> None:
    """However often and for however many jobs sending failed; the next outage is logged again."""
    queue = Queue(failures=3)
    dispatcher = Dispatcher(queue.send)
    with stamina.set_testing(True, attempts=20), capture_logs() as lines:
        await dispatcher.dispatch(audio_job(0))
        await soon(lambda: len(queue.jobs) == 1)
        queue.failures = 3
        await dispatcher.dispatch(audio_job(1))
        await soon(lambda: len(queue.jobs) == 2)
        await dispatcher.close(1)
    own = [line for line in lines if not line["event"].startswith("stamina")]  # whose lines services switch off
    outage = [("job dispatch failed", "ConnectionError"), ("job dispatch recovered", None)]
    assert [(line["event"], line.get("error")) for line in own] == outage * 2
