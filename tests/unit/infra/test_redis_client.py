"""A task that is told to end ends, whatever becomes of the telling."""

import asyncio
from contextlib import suppress

import pytest

from infra.redis_client import checkpoint


async def test_a_cancellation_that_was_swallowed_is_heeded() -> None:
    """As ``asyncio.wait_for`` swallows it when it is done in the same moment."""
    rounds = 0

    async def loop() -> None:
        nonlocal rounds
        while True:
            checkpoint()
            rounds += 1
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(10)

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.shield(task), 5)
    assert rounds == 1
