"""The speech-to-text worker with an engine that never comes to an end: ``celery -A tests.integration.held_worker``."""

import time
from typing import NoReturn

from stt_worker import stt_worker as entry
from stt_worker.engines.base import RecognitionConfig
from stt_worker.engines.deadline import Deadline
from wire.audio import Samples


class EndlessTranscriber:
    name = "endless"
    revision = "1"

    def transcribe(self, audio: Samples, config: RecognitionConfig, deadline: Deadline) -> NoReturn:  # noqa: ARG002
        while True:
            deadline.check()
            time.sleep(0.05)


vars(entry)["load_transcriber"] = lambda _settings: EndlessTranscriber()
celery = entry.celery
