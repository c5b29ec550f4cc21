"""How results reach the listener: a durable stream, and a pub/sub channel for whoever wants to watch."""

from infra.redis_client import Redis
from wire import names
from wire.messages.results import Final, NoSpeech, SegmentFailed

FIELD = "data"
"""Field of a stream entry that holds the message as JSON."""
MAX_UNREAD = 20_000
"""Entries the stream keeps for a listener that is away; the ledger still knows of what is trimmed."""


def publish_result(redis: Redis, result: Final | NoSpeech | SegmentFailed) -> None:
    """Hand the end of an utterance to the listener."""
    data = result.model_dump_json()
    pipeline = redis.pipeline()
    pipeline.xadd(names.stream(names.RESULT_CHANNEL), {FIELD: data}, maxlen=MAX_UNREAD, approximate=True)
    pipeline.publish(names.RESULT_CHANNEL, data)
    pipeline.execute()
