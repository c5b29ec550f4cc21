"""Publishes results: to a durable stream, which the listener reads, and to the channel ``result_channel``."""

from infra.redis_client import Redis
from wire import names
from wire.messages.results import Final, NoSpeech, SegmentFailed

FIELD = "data"
"""Field of a stream entry that holds the message as JSON."""
MAX_UNREAD = 20_000
"""Entries the stream keeps for a listener that is away; the ledger still knows of what is trimmed."""


def publish_result(redis: Redis, result: Final | NoSpeech | SegmentFailed) -> None:
    """Hand a result to the listener.

    The channel is a promise to other programs, which may watch results before they are ordered; no service of ours
    subscribes to it.
    """
    data = result.model_dump_json()
    pipeline = redis.pipeline()
    pipeline.xadd(names.stream(names.RESULT_CHANNEL), {FIELD: data}, maxlen=MAX_UNREAD, approximate=True)
    pipeline.publish(names.RESULT_CHANNEL, data)
    pipeline.execute()
