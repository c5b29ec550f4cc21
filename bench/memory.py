"""Memory of the gateway per session, and of each process of a running system.

Opens idle sessions, then others that send speech without a pause (the longest possible utterances), with instant
engines; then starts the real models and reads their processes. Prints a table and writes ``bench-results/memory.json``.
"""

import asyncio
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

from bench.results import print_header, write_results
from local.testing import Stack
from wire.audio import SAMPLE_RATE, encode_pcm, to_int16

PROGRAMS = ("fastapi_service", "stt_worker:0", "analyzer_worker", "listener_service", "redis")
WARM_UP = 50
"""Sessions opened before the measurement, so that one-time allocations are not counted."""
SPEECH_S = 45
"""Seconds of audio per talking session: more than two of the longest utterances."""


def rss_kb(stack: Stack, program: str) -> float:
    """Return the resident memory of a program in KiB."""
    pid = stack.pid(program)
    assert pid is not None, f"{program} is not running"
    return psutil.Process(pid).memory_info().rss / 1024


async def open_idle(url: str, count: int) -> list[websockets.ClientConnection]:
    """Open sessions that send no audio."""
    sockets = [await websockets.connect(url, compression=None) for _ in range(count)]
    for socket in sockets:
        await socket.send('{"type":"start"}')
        await socket.recv()
    return sockets


async def speak(url: str, seconds: int) -> None:
    """Send loud noise without a pause, ten times as fast as real time."""
    noise = np.random.default_rng(1).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)
    second = encode_pcm(to_int16(noise))
    async with websockets.connect(url, compression=None) as socket:
        for _ in range(seconds):
            await socket.send(second)
            await asyncio.sleep(0.1)


async def per_session(stack: Stack, idle_count: int, speakers: int) -> dict[str, float]:
    """Return KiB of the gateway per idle session, and the maximum per session that sends speech."""
    url = f"{stack.url.replace('http', 'ws', 1)}/ws"
    sockets = await open_idle(url, WARM_UP)
    before = rss_kb(stack, "fastapi_service")
    sockets += await open_idle(url, idle_count)
    idle_kb = (rss_kb(stack, "fastapi_service") - before) / idle_count
    before = peak = rss_kb(stack, "fastapi_service")
    speaking = asyncio.gather(*(speak(url, SPEECH_S) for _ in range(speakers)))
    while not speaking.done():
        peak = max(peak, rss_kb(stack, "fastapi_service"))
        await asyncio.sleep(0.1)
    await speaking
    for socket in sockets:
        await socket.close()
    return {"idle_session_kb": round(idle_kb, 1), "talking_session_kb": round((peak - before) / speakers, 1)}


def main(
    idlers: Annotated[int, typer.Option(help="Idle sessions.")] = 400,
    talkers: Annotated[int, typer.Option(help="Sessions that send speech without a pause.")] = 50,
) -> None:
    """Measure memory and write bench-results/memory.json."""
    print_header(__doc__)
    instant = {"STT_MODEL": "instant", "ANALYZER_MODEL": "instant", "LOG_LEVEL": "warning"}
    with tempfile.TemporaryDirectory() as folder, Stack.start(Path(folder), env=instant).wait_ready() as stack:
        figures = asyncio.run(per_session(stack, idlers, talkers))
    with tempfile.TemporaryDirectory() as folder, Stack.start(Path(folder)).wait_ready() as stack:
        asyncio.run(speak(f"{stack.url.replace('http', 'ws', 1)}/ws", 20))
        time.sleep(5)
        figures |= {f"{program}_rss_mb": round(rss_kb(stack, program) / 1024) for program in PROGRAMS}
    table = Table("what", "memory")
    for what, figure in figures.items():
        table.add_row(what, str(figure))
    Console().print(table)
    write_results("memory", figures)


if __name__ == "__main__":
    typer.run(main)
