"""Results on their way to the listener."""

from infra.results import FIELD, publish_result
from listener_service.consumer import Consumer
from listener_service.release import Releaser
from listener_service.settings import Settings
from tests.support.redis import Redis
from wire import names
from wire.messages.results import Final, NoSpeech, SegmentFailed, segment_end


def put_in_stream(
    redis: Redis, results: list[Final | NoSpeech | SegmentFailed]
) -> list[tuple[str, Final | NoSpeech | SegmentFailed]]:
    """Publish results as workers do; return them with their stream ids."""
    Consumer(redis, "test", Releaser(redis, Settings())).join()
    for end in results:
        publish_result(redis, end)
    entries = redis.xrange(names.stream(names.RESULT_CHANNEL))
    return [(source, segment_end.validate_json(fields[FIELD])) for source, fields in entries]
