"""Publishes results to a durable stream, which the listener reads, and to the channel ``result_channel``."""

from infra.redis_client import Redis
from wire import names
from wire.messages.results import Final, NoSpeech, SegmentFailed

FIELD = "data"
"""Field of a stream entry that holds the message as JSON."""
MAX_UNREAD = 20_000
"""Entries that the stream keeps while no listener runs; the ledger still holds the utterances of trimmed ones."""


def publish_result(redis: Redis, result: Final | NoSpeech | SegmentFailed) -> None:
    """Publish a result.

    The channel is a public interface: other programs may read results from it before they are in order. No service of
    this project subscribes to it.

    Raises:
        redis.exceptions.RedisError: Redis is unavailable; the result may or may not be published.
    """
    data = result.model_dump_json()
    pipeline = redis.pipeline()
    pipeline.xadd(names.stream(names.RESULT_CHANNEL), {FIELD: data}, maxlen=MAX_UNREAD, approximate=True)
    pipeline.publish(names.RESULT_CHANNEL, data)
    pipeline.execute()
