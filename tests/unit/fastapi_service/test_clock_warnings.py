"""A host whose clock is far from Redis': in /readyz for people, in /metrics for alarms; the service stays ready."""

from typing import cast

import pytest

from fastapi_service.monitoring import metrics
from fastapi_service.monitoring.gauges import update_gauges
from fastapi_service.monitoring.readiness import readiness, skew_warning
from infra.heartbeat import Heartbeat
from infra.redis_client import AsyncRedis
from wire import names

SERVICES = (names.STT_WORKER, names.ANALYZER_WORKER, names.LISTENER)


class FakeRedis:
    """Heartbeats of instances by their names; nothing else is stored."""

    def __init__(self, *beats: Heartbeat) -> None:
        self._beats = {names.heartbeat(beat.service, beat.instance): beat for beat in beats}

    async def smembers(self, index: str) -> set[str]:
        return {beat.instance for beat in self._beats.values() if names.heartbeat_index(beat.service) == index}

    async def mget(self, keys: list[str]) -> list[str]:
        return [self._beats[key].model_dump_json() for key in keys]

    async def zcard(self, _key: str) -> int:
        return 0

    async def hget(self, _key: str, _field: str) -> None: ...

    async def hgetall(self, _key: str) -> dict[str, str]:
        return {}


def beat(service: str, instance: str = "a", skew_s: float | None = 0.0, differs: bool | None = None) -> Heartbeat:
    return Heartbeat(
        service=service,
        instance=instance,
        started=1.0,
        ready=True,
        reason=None,
        clock_skew_s=skew_s,
        clock_differs=differs,
    )


def fake(*beats: Heartbeat) -> AsyncRedis:
    return cast(AsyncRedis, FakeRedis(*beats))


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("skew_s", "says"), [(2.5, "2.5 s ahead of Redis'"), (-3.0, "3.0 s behind Redis'"), (86_400, "86400.0 s ahead of")]
)
async def test_a_clock_that_differs_is_a_warning(service: str, skew_s: float, says: str) -> None:
    """It names the instance and the remedy."""
    others = [beat(other) for other in SERVICES if other != service]
    state = await readiness(fake(*others, beat(service, "b"), beat(service, "c", skew_s)), "redis://here")
    (warning,) = state.warnings
    assert state.ready
    assert f"{service} c" in warning
    assert says in warning
    assert "NTP" in warning


@pytest.mark.parametrize("skew_s", [None, 0.0, 1.99, -2.0])
async def test_a_clock_that_is_near_is_no_warning(skew_s: float | None) -> None:
    """Nor is one of an older version, which says nothing of it."""
    state = await readiness(fake(*(beat(service, skew_s=skew_s) for service in SERVICES)), "redis://here")
    assert (state.ready, state.warnings) == (True, [])
    assert skew_warning("gateway", skew_s) is None


@pytest.mark.parametrize(("skew_s", "differs"), [(1.9, True), (-1.2, True), (2.2, False), (-2.05, False), (2.2, True)])
async def test_a_warning_is_the_judgement_of_the_process_itself(skew_s: float, differs: bool) -> None:
    """It has seen the difference grow, or shrink, and how exactly it can be measured: as in its log."""
    others = [beat(other) for other in SERVICES[1:]]
    state = await readiness(fake(*others, beat(SERVICES[0], "b", skew_s, differs)), "redis://here")
    assert len(state.warnings) == differs
    assert (skew_warning("gateway", skew_s, differs=differs) is not None) == differs


@pytest.mark.parametrize(
    ("skews", "worst"), [([0.1, -4.0, 3.0], -4.0), ([2.5, None], 2.5), ([None], 0.0), ([0.002, -0.001], 0.002)]
)
async def test_the_metric_is_of_the_instance_that_differs_most(skews: list[float | None], worst: float) -> None:
    beats = [beat(names.STT_WORKER, f"{number}", skew_s) for number, skew_s in enumerate(skews)]
    await update_gauges(fake(*beats, beat(names.GATEWAY, skew_s=7.0)))
    values = {
        sample.labels["service"]: sample.value for metric in metrics.CLOCK_SKEW.collect() for sample in metric.samples
    }
    assert (values[names.STT_WORKER], values[names.GATEWAY], values[names.LISTENER]) == (worst, 7.0, 0.0)


async def test_a_fault_that_a_process_reports_is_a_warning_once() -> None:
    """Several listeners find the same."""
    listeners = [beat(names.LISTENER, instance).model_copy(update={"warning": "a fault"}) for instance in "ab"]
    state = await readiness(fake(beat(names.STT_WORKER), beat(names.ANALYZER_WORKER), *listeners), "redis://here")
    assert (state.ready, state.warnings) == (True, ["a fault"])
