"""The state of processes, as their heartbeats give it."""

from infra.heartbeat import Heartbeat
from tests.support.redis import Redis
from wire import names


def ready(redis: Redis, service: str) -> bool:
    """True if the heartbeat of a process of the service is ready."""
    beats = redis.mget(list(redis.scan_iter(f"{names.heartbeat_index(service)}:*")) or ["none"])
    return any(Heartbeat.model_validate_json(beat).ready for beat in beats if beat)
