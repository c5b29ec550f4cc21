"""The broker and the scratch Redis: which of the addresses is away, for people and in the log, without the address."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from fastapi_service.monitoring.addresses import OtherAddresses
from infra.celery_app import make_celery
from infra.settings import WireSettings
from tests.support.eventually import soon
from tests.support.machines import free_port

REDIS = "redis://127.0.0.1:1/0"


@asynccontextmanager
async def watched(**urls: str) -> AsyncIterator[OtherAddresses]:
    settings = WireSettings.model_validate({name.upper(): url for name, url in urls.items()})
    addresses = OtherAddresses(settings, make_celery("test", settings.broker_url))
    running = asyncio.create_task(addresses.watch())
    yield addresses
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_one_redis_for_all_has_one_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of Redis: it is not named three times."""
    for name in ("BROKER_URL", "SCRATCH_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    async with watched(redis_url=REDIS) as addresses:
        await asyncio.sleep(0.1)
        assert addresses.broker is None
        assert addresses.warnings == []


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
async def test_a_broker_that_is_away_is_named_by_its_setting(scheme: str, capsys: pytest.CaptureFixture[str]) -> None:
    """So that an operator sees which of the addresses it is; clients see no host, the log no password."""
    port = free_port()
    url = f"{scheme}://user:hush@127.0.0.1:{port}"
    async with watched(redis_url=REDIS, broker_url=url, scratch_redis_url=REDIS) as addresses:
        await soon(lambda: addresses.broker is not None and not addresses.broker.ready, 15)
        assert addresses.broker is not None
        assert addresses.broker.reason is not None
        assert "correct BROKER_URL" in addresses.broker.reason
        assert addresses.broker.reason.startswith("The broker does not answer")
        assert str(port) not in addresses.broker.reason
        assert addresses.warnings == []
    lines = [line for line in capsys.readouterr().out.splitlines() if "address unavailable" in line]
    assert len(lines) == 1
    assert str(port) in lines[0]
    assert "hush" not in lines[0]


async def test_a_scratch_redis_that_is_away_is_a_warning() -> None:
    """Sentences are transcribed without it, so the gateway stays ready."""
    url = f"redis://127.0.0.1:{free_port()}/0"
    async with watched(redis_url=REDIS, broker_url=REDIS, scratch_redis_url=url) as addresses:
        await soon(lambda: addresses.warnings, 15)
        (warning,) = addresses.warnings
        assert warning.startswith("The scratch Redis does not answer")
        assert "SCRATCH_REDIS_URL" in warning
        assert "finals" in warning
        assert addresses.broker is None
