"""The context of a job, for the engine."""

from infra.context import get_context
from infra.redis_client import Redis
from stt_worker.engines.base import Context
from wire.audio import decode_pcm, to_float
from wire.messages.jobs import TranscribeAudio, TranscribePartial


def spoken_before(redis: Redis, job: TranscribeAudio | TranscribePartial) -> Context | None:
    """Return the context of the utterance of a job; None if it has none.

    Raises:
        redis.exceptions.RedisError: Redis is unavailable.
    """
    found = get_context(redis, job.session_id, job.segment)
    if found is None:
        return None
    # A translation is English, whatever was spoken: its context is that of the session.
    language = "" if job.task == "translate" else found.language
    return Context(to_float(decode_pcm(found.pcm)), found.text, language)
