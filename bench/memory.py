"""Memory of the gateway per session, and of each process of a running system.

Opens idle sessions, then others that send speech without a pause (the longest possible utterances), with instant
engines, once with Redis and once while it is frozen, so that the gateway keeps what it cannot write; then starts the
real models and reads their processes. Prints a table and writes ``bench-results/memory.json``.
"""

import asyncio
import signal
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
UNWRITTEN_S = 95
"""More than a session keeps while Redis is away, its open utterance included: then its socket is not read."""
PACE_S = 0.2
"""Pause after each second of audio."""


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


async def speak(socket: websockets.ClientConnection, seconds: int) -> None:
    """Send loud noise without a pause, faster than real time; answers are read and dropped."""
    noise = np.random.default_rng(1).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)
    second = encode_pcm(to_int16(noise))
    reading = asyncio.create_task(_drop(socket))
    for _ in range(seconds):
        await socket.send(second)
        await asyncio.sleep(PACE_S)
    reading.cancel()


async def _drop(socket: websockets.ClientConnection) -> None:
    async for _ in socket:
        pass


async def per_session(stack: Stack, idle_count: int, speakers: int, *, redis_frozen: bool) -> tuple[float, float]:
    """Return KiB of the gateway per idle session, and the maximum per session that sends speech."""
    url = f"{stack.url.replace('http', 'ws', 1)}/ws"
    sockets = await open_idle(url, WARM_UP)
    before = rss_kb(stack, "fastapi_service")
    sockets += await open_idle(url, idle_count)
    idle_kb = (rss_kb(stack, "fastapi_service") - before) / idle_count
    before = peak = rss_kb(stack, "fastapi_service")
    if redis_frozen:
        stack.kill("redis", signal.SIGSTOP)
    seconds = UNWRITTEN_S if redis_frozen else SPEECH_S
    speaking = asyncio.gather(*(speak(socket, seconds) for socket in sockets[-speakers:]))
    while not speaking.done():
        peak = max(peak, rss_kb(stack, "fastapi_service"))
        await asyncio.sleep(0.1)
    if redis_frozen:
        stack.kill("redis", signal.SIGCONT)
    await speaking
    for socket in sockets:
        await socket.close()
    return round(idle_kb, 1), round((peak - before) / speakers, 1)


async def _speak_once(url: str) -> None:
    (socket,) = await open_idle(url, 1)
    await speak(socket, 20)
    await socket.close()


def main(
    idlers: Annotated[int, typer.Option(help="Idle sessions.")] = 400,
    talkers: Annotated[int, typer.Option(help="Sessions that send speech without a pause.")] = 50,
) -> None:
    """Measure memory and write bench-results/memory.json."""
    print_header(__doc__)
    instant = {"STT_MODEL": "instant", "ANALYZER_MODEL": "instant", "LOG_LEVEL": "warning"}
    instant["GATEWAY_MAX_SESSIONS"] = str(WARM_UP + idlers)
    instant["GATEWAY_VOICE_DETECTION"] = "false"  # what is sent is noise, and stands for speech without a pause
    figures: dict[str, float] = {}
    for name, redis_frozen in (("talking_session_kb", False), ("talking_session_without_redis_kb", True)):
        with tempfile.TemporaryDirectory() as folder, Stack.start(Path(folder), env=instant).wait_ready() as stack:
            figures["idle_session_kb"], figures[name] = asyncio.run(
                per_session(stack, idlers, talkers, redis_frozen=redis_frozen)
            )
    with tempfile.TemporaryDirectory() as folder, Stack.start(Path(folder)).wait_ready() as stack:
        asyncio.run(_speak_once(f"{stack.url.replace('http', 'ws', 1)}/ws"))
        time.sleep(5)
        figures |= {f"{program}_rss_mb": round(rss_kb(stack, program) / 1024) for program in PROGRAMS}
    table = Table("what", "memory")
    for what, figure in figures.items():
        table.add_row(what, str(figure))
    Console().print(table)
    write_results("memory", figures)


if __name__ == "__main__":
    typer.run(main)
