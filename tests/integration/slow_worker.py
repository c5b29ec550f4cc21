"""The speech-to-text worker with an engine that takes a while: ``celery -A tests.integration.slow_worker``."""

import time

from stt_worker import stt_worker as entry
from stt_worker.engines.base import Hypothesis, RecognitionConfig
from stt_worker.engines.deadline import Deadline
from stt_worker.engines.instant import InstantTranscriber
from wire.audio import Samples

TAKES_S = 0.25


class SlowTranscriber(InstantTranscriber):
    name = "slow"

    def transcribe(self, audio: Samples, config: RecognitionConfig, deadline: Deadline) -> Hypothesis:
        time.sleep(TAKES_S)
        return super().transcribe(audio, config, deadline)


vars(entry)["load_transcriber"] = lambda _settings: SlowTranscriber()
celery = entry.celery
