"""How much memory the gateway needs per session, and each process of a running system.

Opens idle sessions, then lets others talk without a pause (the longest utterances there are), with instant engines;
then starts the real models and reads their processes. Prints a table and writes ``bench-results/memory.json``.
"""

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer
import websockets
from rich.console import Console
from rich.table import Table

from local.testing import Stack
from wire.audio import SAMPLE_RATE, encode_pcm, to_int16

RESULTS = Path("bench-results/memory.json")
PROGRAMS = ("fastapi_service", "stt_worker:0", "analyzer_worker", "listener_service", "redis")
WARM_UP = 50
"""Sessions opened before measuring: what the process needs once is not what a session needs."""
TALK_S = 45
"""More than two of the longest utterances."""


def rss_kb(stack: Stack, program: str) -> float:
    pid = stack.pid(program)
    assert pid is not None, f"{program} is not running"
    return psutil.Process(pid).memory_info().rss / 1024


async def idle(url: str, count: int) -> list[websockets.ClientConnection]:
    """Sessions that were started and say nothing."""
    sockets = [await websockets.connect(url, compression=None) for _ in range(count)]
    for socket in sockets:
        await socket.send('{"type":"start"}')
        await socket.recv()
    return sockets


async def talk(url: str, seconds: int) -> None:
    """Loud noise without a pause, ten times as fast as real time."""
    noise = np.random.default_rng(1).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)
    second = encode_pcm(to_int16(noise))
    async with websockets.connect(url, compression=None) as socket:
        for _ in range(seconds):
            await socket.send(second)
            await asyncio.sleep(0.1)


async def per_session(stack: Stack, idlers: int, talkers: int) -> dict[str, float]:
    """Kilobytes of the gateway per idle session, and the most per talking session."""
    url = f"{stack.url.replace('http', 'ws', 1)}/ws"
    sockets = await idle(url, WARM_UP)
    before = rss_kb(stack, "fastapi_service")
    sockets += await idle(url, idlers)
    idle_kb = (rss_kb(stack, "fastapi_service") - before) / idlers
    before = most = rss_kb(stack, "fastapi_service")
    talking = asyncio.gather(*(talk(url, TALK_S) for _ in range(talkers)))
    while not talking.done():
        most = max(most, rss_kb(stack, "fastapi_service"))
        await asyncio.sleep(0.1)
    await talking
    for socket in sockets:
        await socket.close()
    return {"idle_session_kb": round(idle_kb, 1), "talking_session_kb": round((most - before) / talkers, 1)}


def main(
    idlers: Annotated[int, typer.Option(help="Idle sessions.")] = 400,
    talkers: Annotated[int, typer.Option(help="Sessions that talk without a pause.")] = 50,
) -> None:
    """Measure memory and write bench-results/memory.json."""
    instant = {"STT_MODEL": "instant", "ANALYZER_MODEL": "instant", "LOG_LEVEL": "warning"}
    with tempfile.TemporaryDirectory() as folder, Stack.start(Path(folder), env=instant).wait_ready() as stack:
        figures = asyncio.run(per_session(stack, idlers, talkers))
    with tempfile.TemporaryDirectory() as folder, Stack.start(Path(folder)).wait_ready() as stack:
        asyncio.run(talk(f"{stack.url.replace('http', 'ws', 1)}/ws", 20))
        time.sleep(5)
        figures |= {f"{program}_rss_mb": round(rss_kb(stack, program) / 1024) for program in PROGRAMS}
    out = Table("what", "memory")
    for what, figure in figures.items():
        out.add_row(what, str(figure))
    Console().print(out)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"written to {RESULTS}")


if __name__ == "__main__":
    typer.run(main)
