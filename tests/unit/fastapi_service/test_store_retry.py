"""Writes outlast an outage, and the client is warned once."""

import asyncio
from collections.abc import Iterator

import pytest
import redis.exceptions
import stamina

from fastapi_service.endpointing.frames import FRAME
from infra.ledger.admission import Admitted
from tests.support.eventually import soon
from tests.support.session_setting import Setting
from tests.support.sounds import quiet
from wire.audio import SAMPLE_RATE


@pytest.fixture(autouse=True)
def hurried() -> Iterator[None]:
    """Repeat at once instead of after a pause."""
    with stamina.set_testing(True, attempts=20):
        yield


async def test_client_is_warned_once_per_outage() -> None:
    """However many writes wait, the client gets one error; the next only in the next outage."""
    setting = Setting(warn_after_s=0.05)
    for outage in (1, 2):
        setting.admission.open.clear()
        setting.store.answers.clear()
        await setting.session.audio(quiet(4 * SAMPLE_RATE))
        await setting.say(20 * FRAME)
        await setting.say(20 * FRAME)
        await asyncio.sleep(0.2)
        assert [error.code for error in setting.errors] == ["redis_unreachable"] * outage
        setting.admission.open.set()
        setting.store.answers.set()
        await soon(lambda: not setting.session.waiting)
        await setting.say(20 * FRAME)
        await soon(lambda: not setting.session.waiting)
    assert "Nothing is lost" in setting.errors[0].remedy
    await setting.session.finish()
    assert len(setting.admission.written) == 6


@pytest.mark.parametrize("full", ["full", redis.exceptions.OutOfMemoryError("used memory > 'maxmemory'")])
async def test_full_service_is_reported_as_busy(full: Admitted | Exception) -> None:
    """A full ledger and a full Redis are reported unlike one that is unavailable."""
    setting = Setting(warn_after_s=0.01, max_retry_pause_s=0.01)
    setting.admission.answers.extend([full] * 10_000)
    with stamina.set_testing(False):
        await setting.say(20 * FRAME)
        await soon(lambda: setting.errors)
        setting.admission.answers.clear()
        await setting.session.finish()
    assert [error.code for error in setting.errors] == ["busy"]


async def test_quick_writes_give_no_warning() -> None:
    """Writes that work send no error."""
    setting = Setting()
    await setting.say(20 * FRAME)
    await setting.session.finish()
    assert setting.errors == []
