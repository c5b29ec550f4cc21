"""Waiting for a condition instead of for a time."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

POLL_S = 0.01

T = TypeVar("T")


def eventually(condition: Callable[[], T | None], timeout: float = 5.0) -> T:
    """The first truthy answer of ``condition``; fails when there is none within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s; the last answer was {answer!r}")
        time.sleep(POLL_S)
    return answer


async def soon(condition: Callable[[], T | None], timeout: float = 5.0) -> T:  # noqa: ASYNC109 - polls, cancels nothing
    """``eventually`` for a condition that this event loop brings about."""
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s; the last answer was {answer!r}")
        await asyncio.sleep(POLL_S)
    return answer
