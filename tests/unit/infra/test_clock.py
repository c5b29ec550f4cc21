"""Redis' time on a host: right whatever the host's clock shows, and the difference is named."""

import ast
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from redis.exceptions import RedisError
from structlog.testing import capture_logs

from infra.clock import MAX_SKEW_S, RedisClock, Stopwatch
from infra.health_file import HealthFile
from infra.heartbeat import HeartbeatWriter
from infra.redis_client import Redis
from wire import names
from wire.messages.base import HOPS, Clock, hop_ms

ROOT = Path(__file__).parents[3]
BEGAN = 1_790_000_000.0
BOOTED = 5_000.0
NEAR_S = 0.05


class Universe:
    """True time, which is Redis', and how long requests and answers travel."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.redis_ahead_s = 0.0
        self.there_s, self.back_s = 0.0002, 0.0002
        self.unavailable = False

    def redis_now(self) -> float:
        return BEGAN + self.elapsed + self.redis_ahead_s

    def time(self) -> tuple[int, int]:
        """The command TIME."""
        if self.unavailable:
            raise RedisError
        self.elapsed += self.there_s
        now = self.redis_now()
        self.elapsed += self.back_s
        return int(now), int(now % 1 * 1e6)


class Host:
    """One host with a clock of its own, ``ahead_s`` ahead of Redis'."""

    def __init__(self, universe: Universe, ahead_s: float = 0.0) -> None:
        self.universe, self.ahead_s = universe, ahead_s
        self.slept_s = 0.0
        self.put_aside_s = 0.0
        """How long the process waits for a core before and after it reads its clock."""
        self.clock = RedisClock(lambda: BOOTED + universe.elapsed - self.slept_s, self.wall)

    def wall(self) -> float:
        self.universe.elapsed += self.put_aside_s
        shown = BEGAN + self.universe.elapsed + self.ahead_s
        self.universe.elapsed += self.put_aside_s
        return shown

    def measure(self, times: int = 1) -> None:
        """Measure once a second."""
        for _ in range(times):
            self.clock.measure(cast(Redis, self.universe))
            self.universe.elapsed += 1.0

    @property
    def error_s(self) -> float:
        return self.clock.now() - self.universe.redis_now()


@pytest.mark.parametrize("ahead_s", [0.0, 0.02, 2.0, -2.0, 0.7, 3_600.0, -86_400.0])
def test_the_time_is_that_of_redis(ahead_s: float) -> None:
    """Within half of what the way to Redis and back takes."""
    universe = Universe()
    host = Host(universe, ahead_s)
    host.measure()
    assert abs(host.error_s) < 0.0005
    assert host.clock.skew_s == pytest.approx(ahead_s, abs=0.0005)


def test_before_it_is_measured_the_time_is_that_of_the_host() -> None:
    host = Host(Universe(), ahead_s=5.0)
    assert (host.clock.now(), host.clock.skew_s) == (BEGAN + 5.0, None)
    host.universe.unavailable = True
    with pytest.raises(RedisError):
        host.measure()
    assert host.clock.now() == BEGAN + 5.0


@pytest.mark.parametrize("step_s", [2.0, -2.0, 3_600.0, -0.3])
def test_a_clock_that_is_set_does_not_move_the_time(step_s: float) -> None:
    """Not even until it is measured again: the time counts on by the monotonic clock."""
    host = Host(Universe(), ahead_s=0.4)
    host.measure(3)
    before = host.clock.now()
    host.ahead_s += step_s
    assert host.clock.now() == before
    host.measure()
    assert abs(host.error_s) < 0.0005
    assert host.clock.skew_s == pytest.approx(0.4 + step_s, abs=0.0005)


@pytest.mark.parametrize("step_s", [5.0, -5.0, 0.2])
def test_a_clock_of_redis_that_is_set_is_followed(step_s: float) -> None:
    host = Host(Universe(), ahead_s=1.0)
    host.measure(3)
    host.universe.redis_ahead_s += step_s
    host.measure()
    assert abs(host.error_s) < 0.0005


def test_a_host_that_slept_is_right_again_after_a_heartbeat() -> None:
    """The monotonic clock of Linux stands still meanwhile."""
    host = Host(Universe())
    host.measure(3)
    host.universe.elapsed += 600
    host.slept_s += 600
    host.measure()
    assert abs(host.error_s) < 0.0005


@pytest.mark.parametrize(("there_s", "back_s"), [(0.4, 0.0), (0.0, 0.4), (1.5, 0.2)])
def test_slow_answers_make_it_no_worse(there_s: float, back_s: float) -> None:
    """A busy Redis answers late; the bounds of earlier answers still hold."""
    host = Host(Universe(), ahead_s=2.0)
    host.measure(2)
    host.universe.there_s, host.universe.back_s = there_s, back_s
    for _ in range(20):
        host.measure()
        assert abs(host.error_s) < 0.02
    host.universe.there_s = host.universe.back_s = 0.0002
    host.measure()
    assert abs(host.error_s) < 0.001


def test_an_outage_leaves_it_as_it_is() -> None:
    host = Host(Universe(), ahead_s=-2.0)
    host.measure()
    host.universe.unavailable = True
    with pytest.raises(RedisError):
        host.measure()
    host.universe.elapsed += 30
    assert abs(host.error_s) < 0.0005


def test_processes_of_a_host_that_keeps_time_agree_exactly() -> None:
    """Their hops take less than a measurement is exact."""
    universe = Universe()
    first, second = Host(universe, 0.0001), Host(universe, 0.0001)
    first.measure()
    universe.there_s = 0.003
    second.measure()
    assert first.clock.now() == pytest.approx(second.clock.now(), abs=1e-6)
    assert first.clock.now() == pytest.approx(first.wall(), abs=1e-6)


@pytest.mark.parametrize("step_s", [5.0, -5.0, 3_600.0])
@pytest.mark.parametrize("failover", [False, True])
def test_length_of_work_is_right_when_a_clock_is_set(step_s: float, failover: bool) -> None:
    """Redis' clock, or that of the Redis that takes over, or that of the host before the first measurement."""
    host = Host(Universe())
    if failover:
        host.measure(2)
    work = Stopwatch(host.clock)
    assert work.started == work.now() == host.clock.now()
    host.universe.elapsed += 2.0
    if failover:
        host.universe.redis_ahead_s += step_s
        host.measure()
    else:
        host.ahead_s += step_s
    host.universe.elapsed += 1.0
    assert work.now() - work.started == pytest.approx(3.0 + failover, abs=0.01)
    assert host.clock.now() - work.started == pytest.approx(3.0 + failover + step_s, abs=0.01)


SKEWS = [
    pytest.param([2.0, 0.0, 0.0, 0.0], id="gateway ahead"),
    pytest.param([0.0, 2.0, 0.0, 0.0], id="STT worker ahead"),
    pytest.param([0.0, -2.0, 0.0, 0.0], id="STT worker behind"),
    pytest.param([-1.0, 1.0, -600.0, 2.0], id="all differ"),
]


@pytest.mark.parametrize("skews", SKEWS)
@pytest.mark.parametrize("steps", [False, True], ids=["still", "set meanwhile"])
def test_latencies_of_several_hosts_are_right(skews: list[float], steps: bool) -> None:
    """Each hop within 50 ms of its true length, and never negative before it is cut off at 0."""
    universe, chance = Universe(), random.Random(3)
    universe.there_s, universe.back_s = 0.004, 0.001
    hosts = [Host(universe, ahead_s) for ahead_s in skews]
    for host in hosts:
        host.measure(2)
    gateway, stt, analyzer, listener = hosts
    stages = [gateway] * 3 + [stt] * 2 + [analyzer] * 2 + [listener, gateway]
    stamps, truth = {}, {}
    moments = [name for name in Clock.model_fields if name != "audio_end"]  # no hop uses it
    for name, host in zip(moments, stages, strict=True):
        universe.elapsed += chance.uniform(0.01, 0.4)
        if steps:
            host.ahead_s += chance.choice((-2.0, 2.0))
        stamps[name], truth[name] = host.clock.now(), universe.redis_now()
    clock, true_clock = Clock(**stamps), Clock(**truth)
    for hop in HOPS:
        measured, true = hop_ms(clock, hop), hop_ms(true_clock, hop)
        assert measured == pytest.approx(true, abs=NEAR_S * 1000), hop
        assert measured, hop


def warnings_of(act: Callable[[], None]) -> list[tuple[str, Any]]:
    with capture_logs() as lines:
        act()
    assert all("NTP" in line["remedy"] for line in lines if line["log_level"] == "warning")
    return [(line["event"], line["skew_s"]) for line in lines]


@pytest.mark.parametrize("ahead_s", [2.2, -2.2, 60.0, -3_600.0])
def test_a_greater_difference_is_logged_once_and_once_when_it_is_over(ahead_s: float) -> None:
    host = Host(Universe(), ahead_s)
    assert warnings_of(lambda: host.measure(5)) == [("clock differs from redis", pytest.approx(ahead_s, abs=0.001))]
    host.ahead_s = 0.001
    assert warnings_of(lambda: host.measure(5)) == [("clock agrees with redis", pytest.approx(0.001, abs=0.001))]


@pytest.mark.parametrize("ahead_s", [0.0, MAX_SKEW_S, -MAX_SKEW_S, 1.5, 1.9, -1.9])
@pytest.mark.parametrize("put_aside_s", [0.0, 0.03])
def test_two_seconds_are_not_logged(ahead_s: float, put_aside_s: float) -> None:
    """Also when a busy host lets the process wait between its readings."""
    host = Host(Universe(), ahead_s)
    host.put_aside_s = put_aside_s
    assert warnings_of(lambda: host.measure(5)) == []


def test_a_difference_about_the_limit_is_logged_once() -> None:
    """It comes and goes while NTP slews the clock."""
    host = Host(Universe(), ahead_s=2.1)
    assert len(warnings_of(lambda: host.measure(2))) == 1
    assert host.clock.differs
    for ahead_s in (1.9, 2.1, 1.5, 2.3):
        host.ahead_s = ahead_s
        assert warnings_of(lambda: host.measure(2)) == []
        assert host.clock.differs  # as the heartbeat says


@pytest.mark.parametrize(("ahead_s", "differs"), [(1.9, False), (-1.9, False), (2.2, True), (-2.2, True)])
def test_heartbeat_has_the_judgement_of_the_clock(ahead_s: float, differs: bool) -> None:
    """Measured with the heartbeat's own client, also when an answer takes long."""
    host = Host(Universe(), ahead_s)
    writer = HeartbeatWriter(cast(Redis, host.universe), names.STT_WORKER, HealthFile(None), clock=host.clock)
    writer._note_clock()
    assert writer._beat.clock_skew_s == pytest.approx(ahead_s, abs=0.01)
    assert writer._beat.clock_differs == differs
    host.universe.unavailable = True
    writer._note_clock()
    assert writer._beat.clock_differs == differs


SERVICES = ["analyzer_worker", "fastapi_service", "infra", "listener_service", "recorder_service", "stt_worker", "wire"]
TIMES_OF_DAY = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow")}


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_reads_the_clock_of_its_host(service: str) -> None:
    """But for the one that compares it with Redis': everything else is a duration, or Redis' time."""
    reads = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sorted((ROOT / service).rglob("*.py"))
        if file != ROOT / "infra" / "clock.py"
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and _owner(node.value) and (_owner(node.value), node.attr) in TIMES_OF_DAY
    ]
    assert reads == []


def _owner(node: Any) -> str | None:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
