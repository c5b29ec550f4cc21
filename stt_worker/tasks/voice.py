"""The voice of a text, for the listener."""

import structlog
from redis.exceptions import RedisError

from infra.redis_client import Redis
from infra.voiceprints import put_voiceprint
from stt_worker.engines.base import Hypothesis
from wire.messages.jobs import TranscribeAudio, TranscribePartial

log = structlog.get_logger()


def keep_voice(redis: Redis, job: TranscribeAudio | TranscribePartial, hypothesis: Hypothesis) -> None:
    """Store the voice of a text, if the engine gave one, before anything is sent that leads to its release."""
    if hypothesis.voice is None:
        return
    try:
        put_voiceprint(redis, job.session_id, job.segment, hypothesis.voice)
    except RedisError as error:  # the text is worth more than its voice
        log.debug("voice not stored", session=job.session_id, error=type(error).__name__)
