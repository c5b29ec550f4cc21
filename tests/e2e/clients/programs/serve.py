"""Runs the scenarios that a test names: a line of JSON in, a line of JSON out, one after the other."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

Scenario = Callable[..., Awaitable[Any]]


def serve(*scenarios: Scenario) -> None:
    """Run scenarios until standard input ends.

    An input line has ``scenario``, the name of a function, and ``arguments`` by name. An output line has ``answer``,
    what the function returned, or ``failure``, the exception of a client with its class, its text and its status.
    """
    asyncio.run(_serve({scenario.__name__: scenario for scenario in scenarios}))


async def _serve(scenarios: dict[str, Scenario]) -> None:
    out, sys.stdout = sys.stdout, sys.stderr  # what clients print is no answer
    while line := await asyncio.to_thread(sys.stdin.readline):
        wanted = json.loads(line)
        try:
            result = {"answer": await scenarios[wanted["scenario"]](**wanted["arguments"])}
        except Exception as error:
            result = {"failure": failure(error)}
        print(json.dumps(result, default=str), file=out, flush=True)


def failure(error: Exception) -> dict[str, Any]:
    """Return an exception as plain data; a test may want it."""
    status = getattr(error, "status_code", None)
    return {"class": type(error).__name__, "text": str(error), "status": status, "body": getattr(error, "body", None)}
