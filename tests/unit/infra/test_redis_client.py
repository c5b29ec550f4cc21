"""``checkpoint`` raises a cancellation that a Redis command has swallowed."""

import asyncio
from contextlib import suppress

import pytest

from infra.redis_client import checkpoint


async def test_a_cancellation_that_was_swallowed_is_heeded() -> None:
    """Swallow a cancellation like an ``asyncio.wait_for`` that completes in the same moment."""
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
