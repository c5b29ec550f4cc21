"""What cannot be read in Redis counts as missing: it refuses no session, and hides nothing else from the operator."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from fastapi_service.delivery.room_members import persons
from fastapi_service.monitoring import metrics
from fastapi_service.monitoring.gauges import update_gauges
from fastapi_service.monitoring.readiness import readiness
from fastapi_service.storage.sessions import SessionStore
from infra.heartbeat import Heartbeat
from infra.redis_client import AsyncRedis
from wire import names
from wire.messages.server import PersonPresent
from wire.messages.statistics import Statistics

FIGURES = Statistics(scope="global", version=1, trend_window=20, words=7, unsure=2, zero_shot=3)
DAMAGED = ["half of a mes", "[]", '{"scope": "a secret"}', '{"service": "a secret"}']


class FakeRedis:
    """One hash with statistics, another with totals, and the heartbeats of one instance ``a`` or of several."""

    def __init__(self, statistics: str = "", totals: dict[str, str] | None = None, **beats: str) -> None:
        self._statistics = statistics
        self._totals = totals or {}
        self._beats = beats

    def register_script(self, _source: str) -> Callable[..., None]:
        return lambda: None

    async def hget(self, _name: str, _field: str) -> str:
        return self._statistics

    async def hgetall(self, _name: str) -> dict[str, str]:
        return self._totals

    async def zcard(self, _name: str) -> int:
        return 4

    async def smembers(self, _index: str) -> set[str]:
        return {*self._beats}

    async def mget(self, keys: list[str]) -> list[str]:
        return [self._beats[key.rpartition(":")[2]] for key in keys]


def fake(statistics: str = "", totals: dict[str, str] | None = None, **beats: str) -> AsyncRedis:
    return cast(AsyncRedis, FakeRedis(statistics, totals, **beats))


@pytest.mark.parametrize("damaged", DAMAGED)
async def test_statistics_that_cannot_be_read_are_missing(damaged: str) -> None:
    """A session starts without them. The log names the audience, and quotes nothing."""
    with capture_logs() as lines:
        assert await SessionStore(fake(damaged), 600).statistics("room:kitchen") is None
    assert [(line["event"], line["audience"]) for line in lines] == [("statistics unreadable", "room:kitchen")]
    assert "secret" not in str(lines)
    assert await SessionStore(fake(FIGURES.model_dump_json()), 600).statistics("global") == FIGURES
    assert await SessionStore(fake(), 600).statistics("global") is None


@pytest.mark.parametrize("damaged", DAMAGED)
async def test_the_other_gauges_are_updated(damaged: str) -> None:
    """Those of the statistics keep what was read last."""
    await update_gauges(fake(FIGURES.model_dump_json()))
    metrics.LEDGER.set(0)
    await update_gauges(fake(damaged))
    assert sample(metrics.LEDGER) == 4
    assert sample(metrics.GLOBAL.labels("words")) == 7
    assert [sample(metrics.GLOBAL.labels(mark)) for mark in ("unsure", "zero_shot")] == [2, 3]


@pytest.mark.parametrize("damaged", [{"words": "many"}, {"labels": "1"}, {"words": "4", "words:en": "4"}])
async def test_totals_that_cannot_be_read_keep_what_was_read_last(damaged: dict[str, str]) -> None:
    """The log quotes nothing of them. What older listeners counted is added to them."""
    await update_gauges(fake(FIGURES.model_dump_json(), {"words": "4", "labels:positive": "2"}))
    assert sample(metrics.GLOBAL.labels("words")) == 11
    assert sample(metrics.GLOBAL_SENTIMENT.labels("positive")) == 2
    with capture_logs() as lines:
        await update_gauges(fake(FIGURES.model_dump_json(), damaged))
    assert [(line["event"], line["audience"]) for line in lines] == [("statistics unreadable", "global")]
    assert sample(metrics.GLOBAL.labels("words")) == 11


@pytest.mark.parametrize("damaged", DAMAGED)
async def test_a_heartbeat_that_cannot_be_read_hides_no_other(damaged: str) -> None:
    """The service is ready if another instance is, and otherwise as if none ran."""
    beat = Heartbeat(service=names.LISTENER, instance="b", started=1.0, ready=True, reason=None)
    known = await readiness(fake(a=damaged, b=beat.model_dump_json()), "redis://here")
    assert known.ready
    assert known.checks["listener_service"].instances == [beat]
    unknown = await readiness(fake(a=damaged), "redis://here")
    assert unknown.checks["redis"].ready
    assert unknown.checks["listener_service"].reason == "no listener_service is running"


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_person_that_cannot_be_read_hides_no_other(damaged: str) -> None:
    """A newer gateway may write one; this one goes on, and shows the others of the room."""
    kim = PersonPresent(person="0123456789abcdef", name="Kim", talker=True, talking=False)
    assert persons([damaged, kim.model_dump_json()]) == (kim,)


def sample(gauge: Any) -> float:
    """Return the only value of a gauge."""
    (metric,) = gauge.collect()
    value: float = metric.samples[0].value
    return value
