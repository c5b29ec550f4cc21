"""Can the service do its work now, and if not, why not?"""

from typing import Literal

from pydantic import BaseModel
from redis.exceptions import RedisError

from infra.heartbeat import Heartbeat, alive_instances
from infra.redis_client import AsyncRedis, store_error
from wire import names

_MODELS = {names.STT_WORKER, names.ANALYZER_WORKER}


class Check(BaseModel):
    ready: bool
    reason: str | None = None
    """Why not, for people."""
    instances: list[Heartbeat] = []


class Readiness(BaseModel):
    ready: bool
    checks: dict[Literal["redis", "stt_worker", "analyzer_worker", "listener_service"], Check]


async def readiness(redis: AsyncRedis, redis_url: str) -> Readiness:
    """Redis, and at least one ready instance of each service behind the gateway."""
    checks: dict[str, Check] = {}
    services = (names.STT_WORKER, names.ANALYZER_WORKER, names.LISTENER)
    try:
        beats = {service: await alive_instances(redis, service) for service in services}
        checks["redis"] = Check(ready=True)
        checks |= {service: judge(service, beats[service]) for service in services}
    except (RedisError, OSError) as error:
        reason = str(store_error(error, redis_url))
        checks["redis"] = Check(ready=False, reason=reason)
        checks |= {service: Check(ready=False, reason="unknown while Redis is away") for service in services}
    return Readiness.model_validate({"ready": all(check.ready for check in checks.values()), "checks": checks})


def judge(service: str, beats: list[Heartbeat]) -> Check:
    """A service is ready when one of its instances is."""
    if any(beat.ready for beat in beats):
        return Check(ready=True, instances=beats)
    if beats:
        reason = "; ".join(sorted({beat.reason or "no reason given" for beat in beats}))
    else:
        reason = f"no {service} is running"
    return Check(ready=False, reason=reason, instances=beats)
