"""The context of a job, for the engine."""

import structlog
from redis.exceptions import RedisError

from infra.context import get_context
from infra.redis_client import Redis
from stt_worker.engines.base import Context
from wire.audio import decode_pcm, to_float
from wire.messages.jobs import TranscribeAudio, TranscribePartial

log = structlog.get_logger()


def context_of(redis: Redis, job: TranscribeAudio | TranscribePartial) -> Context | None:
    """Return the context of the utterance of a job; None if it has none, or Redis is unavailable."""
    try:
        found = get_context(redis, job.session_id, job.segment)
    except RedisError as error:  # the text is worth more than its context
        log.debug("context not read", session=job.session_id, error=type(error).__name__)
        return None
    return None if found is None else Context(to_float(decode_pcm(found.pcm)), found.text, found.language)
