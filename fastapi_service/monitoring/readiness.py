"""Readiness: whether speech can be transcribed and analysed now, and the reasons if not."""

from typing import Literal, Protocol

from pydantic import BaseModel
from redis.exceptions import RedisError

from infra.clock import MAX_SKEW_S, REMEDY, process_clock
from infra.heartbeat import Heartbeat, alive_instances
from infra.redis_client import AsyncRedis
from infra.redis_errors import store_error
from wire import names
from wire.errors import StoreError


class Check(BaseModel):
    """One part of the service."""

    ready: bool
    reason: str | None = None
    """The missing part, for people; None when ready."""
    instances: list[Heartbeat] = []


class Readiness(BaseModel):
    """All parts; the whole is ready if each part is."""

    ready: bool
    checks: dict[Literal["redis", "broker", "stt_worker", "analyzer_worker", "listener_service", "connection"], Check]
    warnings: list[str] = []
    """Faults that keep nothing from being ready, for people."""


class Others(Protocol):
    """The state of the other addresses."""

    @property
    def broker(self) -> Check | None:
        """The check of the broker; None if that is Redis."""
        ...

    @property
    def warnings(self) -> list[str]:
        """Faults there that keep nothing from being ready, for people."""
        ...


async def readiness(
    redis: AsyncRedis,
    redis_url: str,
    problem: StoreError | None = None,
    connection: Check | None = None,
    others: Others | None = None,
) -> Readiness:
    """Check Redis, and for each service behind the gateway that at least one instance is ready.

    Args:
        redis: a client.
        redis_url: as in ``REDIS_URL``. No reason holds the address: any client may read it.
        problem: why Redis cannot be used, if that is found already.
        connection: a further check, of the way between the page and the gateway.
        others: the broker and the scratch Redis.
    """
    services = (names.STT_WORKER, names.ANALYZER_WORKER, names.LISTENER)
    beats: dict[str, list[Heartbeat]] = {}
    try:
        if problem is None:
            beats = {service: await alive_instances(redis, service) for service in services}
    except (RedisError, OSError) as error:
        problem = store_error(error, redis_url)
    checks = {"redis": Check(ready=problem is None, reason=problem.public if problem else None)}
    if others is not None and others.broker is not None:
        checks["broker"] = others.broker
    if problem is None:
        checks |= {service: judge(service, beats[service]) for service in services}
    else:
        checks |= {service: Check(ready=False, reason="unknown while Redis is unavailable") for service in services}
    if connection is not None:
        checks["connection"] = connection
    instances = [beat for service in services for beat in beats.get(service, [])]
    own = skew_warning(f"{names.GATEWAY} that answers", process_clock.skew_s, differs=process_clock.differs)
    warnings = [own] if problem is None else []
    warnings += others.warnings if others is not None else []
    for beat in instances:
        process = f"{beat.service} {beat.instance}"
        warnings += [skew_warning(process, beat.clock_skew_s, differs=beat.clock_differs), beat.warning]
    return Readiness.model_validate(
        {
            "ready": all(check.ready for check in checks.values()),
            "checks": checks,
            "warnings": [*dict.fromkeys(warning for warning in warnings if warning is not None)],
        }
    )


def judge(service: str, beats: list[Heartbeat]) -> Check:
    """Return the check of a service, which is ready if one of its instances is."""
    if any(beat.ready for beat in beats):
        return Check(ready=True, instances=beats)
    if beats:
        reason = "; ".join(sorted({beat.reason or "no reason given" for beat in beats}))
    else:
        reason = f"no {service} is running"
    return Check(ready=False, reason=reason, instances=beats)


def skew_warning(process: str, skew_s: float | None, *, differs: bool | None = None) -> str | None:
    """Return the warning about the clock of a process's host; None if it is near enough.

    Args:
        process: for people.
        skew_s: seconds that the clock is ahead of Redis'; None before it was measured.
        differs: the process's own judgement, as in its log; None in versions that have none.
    """
    if skew_s is None or not (abs(skew_s) > MAX_SKEW_S if differs is None else differs):
        return None
    side = "ahead of" if skew_s > 0 else "behind"
    return f"The host of the {process} has a clock that is {abs(skew_s):.1f} s {side} Redis'. {REMEDY}"
