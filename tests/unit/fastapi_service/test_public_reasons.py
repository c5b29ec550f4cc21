"""/readyz is for everybody: it has the reason, and no address; the log of the gateway has both."""

import asyncio
from contextlib import suppress
from typing import Any, cast

import pytest
from redis import exceptions
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from fastapi_service.app import create_app
from fastapi_service.monitoring import redis_watch
from fastapi_service.monitoring.readiness import readiness
from fastapi_service.settings import Settings
from infra.redis_client import AsyncRedis
from tests.support.eventually import soon

URLS = [
    "redis://alice:hush@127.0.0.1:1/4",
    "rediss://:hush@127.0.0.1:1/4",
    "unix://alice:hush@/run/nowhere/redis.sock?db=4",
]


class FailingRedis:
    """Answers each command with the next error; the last one stays."""

    def __init__(self, *errors: Exception | None) -> None:
        self._errors = [*errors]

    async def execute_command(self, *_: str) -> dict[str, Any]:
        error = self._errors.pop(0) if len(self._errors) > 1 else self._errors[0]
        if error is not None:
            raise error
        return {}

    async def smembers(self, _key: str) -> None:
        await self.execute_command()


def failing(*errors: Exception | None) -> AsyncRedis:
    return cast(AsyncRedis, FailingRedis(*errors))


@pytest.mark.parametrize("url", URLS)
def test_an_outage_is_named_without_the_address(url: str) -> None:
    """Nor the user, the port or the path."""
    with TestClient(create_app(Settings(redis_url=url))) as client:
        answer = client.get("/readyz")
    reason = answer.json()["checks"]["redis"]["reason"]
    assert answer.status_code == 503
    assert reason.startswith("Redis does not answer (")
    assert "REDIS_URL" in reason
    assert not [part for part in ("127.0.0.1", "alice", "hush", "/run", ":1", "/4") if part in answer.text]


@pytest.mark.parametrize(
    "error",
    [exceptions.AuthenticationError("invalid"), exceptions.ReadOnlyError("no"), exceptions.TimeoutError("late")],
)
async def test_a_failure_while_heartbeats_are_read_is_named_without_the_address(error: Exception) -> None:
    state = await readiness(failing(error), "redis://alice:hush@10.0.0.7:6379/4")
    assert state.checks["redis"].reason
    assert not [part for part in ("10.0.0.7", "6379/", "alice", "hush") if part in state.model_dump_json()]


OUTAGE, OTHER = exceptions.ConnectionError("away"), exceptions.OutOfMemoryError("full")


@pytest.mark.parametrize(
    ("errors", "logged"),
    [
        ([OUTAGE, OUTAGE, OUTAGE], ["redis_unreachable"]),
        ([OUTAGE, OTHER, OTHER], ["redis_unreachable", "redis_full"]),
        ([OUTAGE, None, None, OUTAGE], ["redis_unreachable", "redis_unreachable"]),
        ([None], []),
    ],
)
async def test_the_log_has_the_address_once_for_each_outage(
    monkeypatch: pytest.MonkeyPatch, errors: list[Exception | None], logged: list[str]
) -> None:
    """Without the password."""
    monkeypatch.setattr(redis_watch, "PERIOD_S", 0)
    redis = failing(*errors)
    with capture_logs() as lines:
        watching = asyncio.create_task(redis_watch.watch_redis(redis, "redis://alice:hush@10.0.0.7:6379/4"))
        await soon(lambda: len(vars(redis)["_errors"]) == 1)
        await asyncio.sleep(0.02)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    assert [line["code"] for line in lines] == logged
    assert all("10.0.0.7:6379/4" in line["reason"] and "hush" not in str(line) for line in lines)
