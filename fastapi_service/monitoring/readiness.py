"""Readiness: whether speech can be transcribed and analysed now, and the reasons if not."""

from typing import Literal

from pydantic import BaseModel
from redis.exceptions import RedisError

from infra.heartbeat import Heartbeat, alive_instances
from infra.redis_client import AsyncRedis, store_error
from wire import names


class Check(BaseModel):
    """One part of the service."""

    ready: bool
    reason: str | None = None
    """The missing part, for people; None when ready."""
    instances: list[Heartbeat] = []


class Readiness(BaseModel):
    """All parts; the whole is ready if each part is."""

    ready: bool
    checks: dict[Literal["redis", "stt_worker", "analyzer_worker", "listener_service", "connection"], Check]


async def readiness(redis: AsyncRedis, redis_url: str, connection: Check | None = None) -> Readiness:
    """Check Redis, and for each service behind the gateway that at least one instance is ready.

    Args:
        connection: a further check, of the way between the page and the gateway.
    """
    checks: dict[str, Check] = {}
    services = (names.STT_WORKER, names.ANALYZER_WORKER, names.LISTENER)
    try:
        beats = {service: await alive_instances(redis, service) for service in services}
        checks["redis"] = Check(ready=True)
        checks |= {service: judge(service, beats[service]) for service in services}
    except (RedisError, OSError) as error:
        reason = str(store_error(error, redis_url))
        checks["redis"] = Check(ready=False, reason=reason)
        checks |= {service: Check(ready=False, reason="unknown while Redis is unavailable") for service in services}
    if connection is not None:
        checks["connection"] = connection
    return Readiness.model_validate({"ready": all(check.ready for check in checks.values()), "checks": checks})


def judge(service: str, beats: list[Heartbeat]) -> Check:
    """Return the check of a service, which is ready if one of its instances is."""
    if any(beat.ready for beat in beats):
        return Check(ready=True, instances=beats)
    if beats:
        reason = "; ".join(sorted({beat.reason or "no reason given" for beat in beats}))
    else:
        reason = f"no {service} is running"
    return Check(ready=False, reason=reason, instances=beats)
