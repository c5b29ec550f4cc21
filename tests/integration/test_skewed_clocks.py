"""Hosts whose clocks differ: interim texts come, latencies are right, and the difference shows."""

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import websockets

from infra.heartbeat import Heartbeat
from tests.support.eventually import eventually
from tests.support.gateways import START_S, Gateway, Person
from tests.support.machines import Processes
from tests.support.redis import Redis
from wire import names
from wire.messages.base import HOPS
from wire.messages.results import Final

SKEWED = "from tests.support import skewed_clock; "
GATEWAY = SKEWED + "from fastapi_service import fastapi_service as entry; entry.main()"
LISTENER = SKEWED + "from listener_service import listener_service as entry; entry.main()"
WORKER = SKEWED + "import sys; from celery.__main__ import main; sys.exit(main())"
SERVICES = [names.GATEWAY, names.STT_WORKER, names.ANALYZER_WORKER, names.LISTENER]
NEAR_S = 0.05
TONE = (8_000 * np.sin(np.arange(1_600) * 0.2)).astype("<i2").tobytes()
"""A tenth of a second."""


class Hosts:
    """A gateway, two workers and a listener, each on a host with a clock of its own."""

    def __init__(self, processes: Processes, folder: Path, ahead_s: dict[str, float]) -> None:
        self._folder = folder
        for service in SERVICES:
            self.set(service, ahead_s.get(service, 0.0))
        self.processes = processes
        self.running = {
            names.LISTENER: processes.python("-c", LISTENER, CLOCK_FILE=self._file(names.LISTENER)),
            names.STT_WORKER: self._worker(names.STT_WORKER, names.STT_QUEUE, "solo"),
            names.ANALYZER_WORKER: self._worker(names.ANALYZER_WORKER, names.ANALYZER_QUEUE, "threads"),
        }
        self.gateway = Gateway(processes, GATEWAY, CLOCK_FILE=self._file(names.GATEWAY))

    def set(self, service: str, ahead_s: float) -> None:
        """Set the clock of a host, whose service may run."""
        (self._folder / f"{service}.new").write_text(str(ahead_s))
        (self._folder / f"{service}.new").replace(self._file(service))

    def output(self, service: str) -> str:
        return self.processes.output(self.running[service])

    def metrics(self) -> str:
        return httpx.get(f"{self.gateway.http}/metrics", timeout=5).text

    def is_ready(self) -> bool:
        return self.gateway.answers() and bool(self.readiness()["ready"])

    def readiness(self) -> Any:
        return httpx.get(f"{self.gateway.http}/readyz", timeout=5).json()

    def _file(self, service: str) -> str:
        return str(self._folder / service)

    def _worker(self, service: str, queue: str, pool: str) -> Any:
        options = ["-A", f"{service}:celery", "worker", "-Q", queue, f"--pool={pool}", "--concurrency=1"]
        return self.processes.python("-c", WORKER, *options, CLOCK_FILE=self._file(service))


@pytest.fixture
def hosts(processes: Processes, tmp_path: Path) -> Callable[..., Hosts]:
    """Returns a function that starts services with clocks of their own."""

    def start(**ahead_s: float) -> Hosts:
        started = Hosts(processes, tmp_path, ahead_s)
        eventually(started.is_ready, START_S)
        return started

    return start


class Heard:
    """What a person who talks for two seconds gets."""

    def __init__(self) -> None:
        self.interims = 0
        self.silent_at = 0.0
        """Time of this test's clock at which the speech was over, which is Redis' clock too."""
        self.received_at = 0.0
        self.final: Final
        self.statistics: dict[str, Any] = {}


async def talk(person: Person) -> Heard:
    """Talk for two seconds and wait for the final and its statistics."""
    heard = Heard()
    before = len(person.received)
    for _ in range(21):  # whole frames of 30 ms
        await person.talk(TONE)
        await asyncio.sleep(0.1)
    heard.silent_at = time.time() - 0.1
    for _ in range(9):
        await person.talk()
        await asyncio.sleep(0.1)
    heard.final = Final.model_validate(await person.until("final"))
    heard.received_at = time.time()
    heard.statistics = await person.until("stats", scope="session")
    heard.interims = sum(message["type"] == "interim" for message in person.received[before:])
    return heard


def check(heard: Heard) -> None:
    """Interim texts came; each hop is a true, short one, and the whole is that of the test's clock."""
    assert heard.interims
    clock = heard.final.clock
    assert clock.speech_end == pytest.approx(heard.silent_at, abs=NEAR_S)
    stamps = [stamp for stamp in clock.model_dump().values() if stamp is not None]
    assert min(stamps) >= heard.silent_at - NEAR_S
    assert max(stamps) <= heard.received_at + NEAR_S
    for begins, ends in HOPS.values():
        starts = [getattr(clock, name) for name in ((begins,) if isinstance(begins, str) else begins)]
        assert getattr(clock, ends) - max(starts) > -NEAR_S or ends == "stt_start"  # that one may be before the end
    assert clock.published is not None
    total_ms = heard.statistics["latency"]["total"]["p50_ms"]
    assert total_ms == pytest.approx((clock.published - clock.speech_end) * 1000, abs=1)
    assert total_ms / 1000 <= heard.received_at - heard.silent_at + NEAR_S


@pytest.mark.parametrize(
    "ahead_s",
    [
        pytest.param({names.STT_WORKER: 2.0}, id="the worker is ahead"),
        pytest.param({names.STT_WORKER: -2.0}, id="the worker is behind"),
        pytest.param({names.GATEWAY: 2.0, names.LISTENER: -1.5, names.ANALYZER_WORKER: 1.9}, id="all differ"),
    ],
)
async def test_two_seconds_between_hosts_change_nothing(hosts: Callable[..., Hosts], ahead_s: dict[str, float]) -> None:
    """Nor do they show as a warning."""
    started = hosts(**ahead_s)
    async with websockets.connect(started.gateway.ws) as line:
        check(await talk(await Person.enter(line)))
    assert started.readiness()["warnings"] == []
    assert all("clock differs" not in started.output(service) for service in started.running)


async def test_a_clock_that_is_set_while_its_host_works_changes_nothing(
    hosts: Callable[..., Hosts], redis: Redis
) -> None:
    """Of the worker, then of the gateway, by an hour; that is named in the log, in /readyz and in /metrics."""
    started = hosts()
    for service, ahead_s in ((names.STT_WORKER, -3_600.0), (names.GATEWAY, 3_600.0)):
        async with websockets.connect(started.gateway.ws) as line:
            person = await Person.enter(line)
            started.set(service, ahead_s)
            check(await talk(person))
    eventually(lambda: "clock differs from redis" in started.output(names.STT_WORKER))
    (key,) = redis.scan_iter(names.heartbeat(names.STT_WORKER, "*"))
    beat = Heartbeat.model_validate_json(redis.get(key) or "")
    assert beat.clock_skew_s == pytest.approx(-3_600, abs=NEAR_S)
    behind, ahead = sorted(started.readiness()["warnings"], key=lambda warning: "ahead" in warning)
    assert "stt_worker" in behind
    assert "3600.0 s behind Redis" in behind
    assert "fastapi_service" in ahead
    assert "3600.0 s ahead of Redis" in ahead
    assert re.search(r'wta_clock_skew_seconds{service="stt_worker"} -(3600.0|3599.9)', started.metrics())
    for service in (names.STT_WORKER, names.GATEWAY):
        started.set(service, 0.0)
    eventually(lambda: "clock agrees with redis" in started.output(names.STT_WORKER))
    eventually(lambda: started.readiness()["warnings"] == [])
    assert started.output(names.STT_WORKER).count("clock differs from redis") == 1
