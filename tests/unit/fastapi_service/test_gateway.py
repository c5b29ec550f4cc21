"""The gateway's parts stop together, in time."""

import asyncio
import configparser
import signal

import pytest

from fastapi_service import gateway as module
from fastapi_service.gateway import Gateway
from fastapi_service.settings import Settings
from infra.heartbeat import BEAT_S
from infra.redis_client import SOCKET_TIMEOUT_S
from tests.support.eventually import soon
from tests.support.machines import ROOT


class FakeHeartbeat:
    def __init__(self) -> None:
        self.reason: str | None = None

    def start(self) -> None:
        pass

    def ready(self) -> None:
        pass

    def not_ready(self, reason: str) -> None:
        self.reason = reason

    def stop(self) -> None:
        pass


async def test_start_begins_every_endless_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one of them, results, rooms, expiries or displaced connections would be missed in silence."""
    before = asyncio.all_tasks()
    gateway = Gateway(Settings(redis_url="redis://127.0.0.1:1"))
    monkeypatch.setattr(gateway, "_heartbeat", FakeHeartbeat())
    await gateway.start()
    started = {task.get_name() for task in asyncio.all_tasks() - before}
    await gateway.stop()
    assert started == {
        "event loop", "subscriber", "slow poll", "partials", "room occupancy", "session TTL", "owners", "redis",
        "access", "session list", "addresses",
    }  # fmt: skip


@pytest.mark.parametrize("fails", [True, False], ids=["fails", "returns"])
async def test_the_process_ends_with_any_of_its_endless_tasks(monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    """As at a shutdown, so that speech is flushed; its supervisor starts another. At a stop nothing is signalled."""
    gateway = Gateway(Settings(redis_url="redis://127.0.0.1:1"))
    heartbeat = FakeHeartbeat()
    signals: list[int] = []

    async def end() -> None:
        if fails:
            raise ValueError("broken")

    monkeypatch.setattr(gateway, "_heartbeat", heartbeat)
    monkeypatch.setattr(signal, "raise_signal", signals.append)
    monkeypatch.setitem(gateway._endless, "owners", end)
    await gateway.start()
    await soon(lambda: signals)
    await gateway.stop()
    assert signals == [signal.SIGTERM]
    assert "'owners'" in str(heartbeat.reason)


async def test_a_shutdown_with_a_slow_redis_is_over_before_it_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions and jobs share one time limit."""
    monkeypatch.setattr(module, "SHUTDOWN_S", 0.2)
    gateway = Gateway(Settings())

    async def never() -> None:
        await asyncio.Event().wait()

    limits: list[float] = []

    async def close(timeout_s: float) -> None:
        limits.append(timeout_s)

    monkeypatch.setattr(gateway, "_heartbeat", FakeHeartbeat())
    monkeypatch.setattr(gateway._dispatcher, "close", close)
    gateway._flushes.start(never(), "flush")
    async with asyncio.timeout(5):
        await gateway.stop()
    (left,) = limits
    assert left < 0.1


def test_supervisor_waits_until_the_gateway_has_written_down_everything() -> None:
    """The supervisor's time covers all that a stop may take: connections, flush, goodbye, a job on its way."""
    conf = configparser.RawConfigParser()
    conf.read(ROOT / "supervisord.conf")
    longest = module.CLOSING_S + module.SHUTDOWN_S + 2 * BEAT_S + SOCKET_TIMEOUT_S
    assert longest < conf.getint("program:fastapi_service", "stopwaitsecs")
