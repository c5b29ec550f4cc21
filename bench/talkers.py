"""What a talker costs, beside the models: processor time, latency and Redis' bytes against the number of sessions.

Sessions talk in turn to instant engines, over several gateways and listeners on this machine: each sends an utterance
of real speech in real time, then says how much silence it leaves out, and repeats that after a while. All together
have the same number of utterances a second, however many they are. Processor time is that of all services while they
talk, per utterance; latency is the time from the end of the silence that ends an utterance to the arrival of its result
at the client, which shares this machine. Prints a table and writes ``bench-results/talkers.json``.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import numpy as np
import psutil
import stamina
import typer
import websockets
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.overhead import FRAME_S, PAUSE_S, utterance
from bench.results import print_header, write_results
from infra.clock import now
from infra.redis_client import connect
from local.stack.ports import free_port
from local.testing import Stack
from wire import names
from wire.audio import SAMPLE_BYTES, SAMPLE_RATE

INSTANT = {"STT_MODEL": "instant", "ANALYZER_MODEL": "instant", "LOG_LEVEL": "warning", "GATEWAY_MAX_SESSIONS": "5000"}
CONNECTING = 50
"""Sessions that connect at once."""
SETTLE_S = 3.0
"""Seconds after the connections, and after the last utterance."""
START_S = 60.0


@dataclass
class Installation:
    """Addresses of gateways, and all processes by service."""

    urls: list[str]
    redis_url: str
    processes: dict[str, list[psutil.Process]]

    def cpu_s(self) -> dict[str, float]:
        """Return the processor time of each service so far, in seconds."""
        return {
            service: sum(sum(process.cpu_times()[:2]) for process in processes)
            for service, processes in self.processes.items()
        }


@dataclass
class Measurement:
    """One number of sessions."""

    sessions: int
    utterances: int = 0
    """Utterances that were sent."""
    speech_s: float = 0.0
    """Seconds of audio that were sent."""
    latencies_ms: list[float] = field(default_factory=list)


@contextmanager
def installation(folder: Path, gateways: int, listeners: int, env: dict[str, str]) -> Iterator[Installation]:
    """Start everything; it ends with the context."""
    with ExitStack() as ends:
        stack = ends.enter_context(Stack.start(folder, env=env).wait_ready())
        ports = [free_port("127.0.0.1") for _ in range(gateways - 1)]
        more = [("fastapi_service", {"GATEWAY_PORT": str(port)}) for port in ports]
        more += [(names.LISTENER, {})] * (listeners - 1)
        started = []
        for service, settings in more:
            environment = os.environ | env | {"REDIS_URL": stack.redis_url} | settings
            process = subprocess.Popen([sys.executable, "-m", f"{service}.{service}"], env=environment)
            ends.callback(process.wait)
            ends.callback(process.terminate)
            started.append((service, process.pid))
        programs = ["fastapi_service", names.LISTENER, names.ANALYZER_WORKER, f"{names.STT_WORKER}:0", "redis"]
        pids = [(program.partition(":")[0], stack.pid(program)) for program in programs] + started
        processes: dict[str, list[psutil.Process]] = {}
        for service, pid in pids:
            processes.setdefault(service, []).append(psutil.Process(pid))
        http = [stack.url, *(f"http://127.0.0.1:{port}" for port in ports)]
        for url in http:
            wait_until_ready(url)
        yield Installation([f"{url.replace('http', 'ws', 1)}/ws" for url in http], stack.redis_url, processes)


def wait_until_ready(url: str) -> None:
    """Wait until a gateway is ready for speech."""
    for attempt in stamina.retry_context(on=httpx.HTTPError, attempts=None, timeout=START_S, wait_max=0.5):
        with attempt:
            httpx.get(f"{url}/readyz", timeout=START_S).raise_for_status()


class Talker:
    """One session, from its connection on."""

    def __init__(self, line: websockets.ClientConnection, measurement: Measurement) -> None:
        """The line has a session that has begun."""
        self._line = line
        self._measurement = measurement

    @classmethod
    async def enter(cls, url: str, measurement: Measurement, places: asyncio.Semaphore) -> "Talker":
        """Connect, and begin a session."""
        async with places:
            line = await websockets.connect(url, compression=None, open_timeout=START_S, ping_interval=None)
            await line.send('{"type":"start"}')
            await line.recv()
        return cls(line, measurement)

    async def listen(self) -> None:
        """Note the results that come."""
        async for text in self._line:
            if '"type":"final"' in text:  # others cost the client as little as possible
                received, message = now(), json.loads(text)
                self._measurement.latencies_ms.append((received - message["clock"]["endpointed"]) * 1000)

    async def talk(self, pcm: bytes, first: float, every_s: float, until: float) -> None:
        """Say the same from a time of the loop on, again and again, until another one."""
        step = int(FRAME_S * SAMPLE_RATE) * SAMPLE_BYTES
        seconds, begin = len(pcm) / SAMPLE_BYTES / SAMPLE_RATE, first
        skip = json.dumps({"type": "gap", "samples": int(max(0.0, every_s - seconds) * SAMPLE_RATE)})
        while begin + seconds <= until:
            for number, offset in enumerate(range(0, len(pcm), step)):
                await asyncio.sleep(max(0.0, begin + number * FRAME_S - time.monotonic()))
                await self._line.send(pcm[offset : offset + step])
            self._measurement.utterances += 1
            self._measurement.speech_s += seconds
            begin += every_s
            if begin + seconds <= until:
                await asyncio.sleep(max(0.0, begin - time.monotonic()))
                await self._line.send(skip)

    async def leave(self) -> None:
        """End the connection."""
        await self._line.close()


async def measure(at: Installation, sessions: int, rate: float, seconds: float, pcm: bytes) -> dict[str, Any]:
    """Let so many sessions talk with so many utterances a second together; return the figures."""
    measurement, places = Measurement(sessions), asyncio.Semaphore(CONNECTING)
    enter = (Talker.enter(at.urls[n % len(at.urls)], measurement, places) for n in range(sessions))
    talkers = await asyncio.gather(*enter)
    listening = [asyncio.create_task(talker.listen()) for talker in talkers]
    await asyncio.sleep(SETTLE_S)
    every_s = max(sessions / rate, len(pcm) / SAMPLE_BYTES / SAMPLE_RATE)
    redis, own = connect(at.redis_url), psutil.Process()
    before, bytes_before, own_before = at.cpu_s(), written(redis), sum(own.cpu_times()[:2])
    began = time.monotonic()
    firsts = (began + every_s * number / sessions for number in range(sessions))
    await asyncio.gather(
        *(talker.talk(pcm, first, every_s, began + seconds) for talker, first in zip(talkers, firsts, strict=True))
    )
    took_s = time.monotonic() - began
    await asyncio.sleep(SETTLE_S)
    after, bytes_after, own_s = at.cpu_s(), written(redis), sum(own.cpu_times()[:2]) - own_before
    for task in listening:
        task.cancel()
    await asyncio.gather(*(talker.leave() for talker in talkers))
    count = len(measurement.latencies_ms)
    used = {service: round((after[service] - before[service]) * 1000 / count, 2) for service in after}
    p50, p99 = np.percentile(measurement.latencies_ms, (50, 99)).round(1).tolist()
    moved = {name: round((bytes_after[name] - bytes_before[name]) / measurement.speech_s) for name in bytes_after}
    return {
        "sessions": sessions,
        "utterances": measurement.utterances,
        "lost": measurement.utterances - count,
        "results_per_s": round(count / took_s, 1),
        "p50_ms": p50,
        "p99_ms": p99,
        "cpu_ms": round(sum(used.values()), 2),
        "cpu_ms_by_service": used,
        "client_cpu_ms": round(own_s * 1000 / count, 2),
        "bytes_per_talker_second": moved,
    }


def written(redis: Any) -> dict[str, int]:
    """Return the bytes that Redis has received so far, and those that its append-only file has."""
    info = redis.info()
    return {"received": info["total_net_input_bytes"], "file": info["aof_current_size"]}


def table(figures: list[dict[str, Any]]) -> Table:
    """Make the table, one row per number of sessions."""
    services = list(figures[0]["cpu_ms_by_service"])
    out = Table(title="Per utterance: CPU of all services (ms), latency (ms, p50 / p99), bytes per second of a talker")
    for column in ("sessions", "results/s", "lost", "latency", "cpu", *services, "client", "to Redis", "to its file"):
        out.add_column(column, justify="right")
    for row in figures:
        moved = row["bytes_per_talker_second"]
        out.add_row(
            *(str(row[key]) for key in ("sessions", "results_per_s", "lost")),
            f"{row['p50_ms']} / {row['p99_ms']}",
            str(row["cpu_ms"]),
            *(str(row["cpu_ms_by_service"][service]) for service in services),
            str(row["client_cpu_ms"]),
            f"{moved['received']:,}",
            f"{moved['file']:,}",
        )
    return out


def main(
    sessions: Annotated[str, typer.Option(help="Numbers of sessions, comma-separated.")] = "100,300,1000,3000",
    rate: Annotated[float, typer.Option(help="Utterances a second of all sessions together.")] = 20.0,
    seconds: Annotated[float, typer.Option(help="Length of each measurement.")] = 30.0,
    gateways: Annotated[int, typer.Option(min=1)] = 2,
    listeners: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Measure what a talker costs and write bench-results/talkers.json."""
    print_header(__doc__)
    pcm = utterance()
    assert PAUSE_S > 0.5, "the utterance ends with the silence that ends it"
    with (
        tempfile.TemporaryDirectory() as folder,
        installation(Path(folder), gateways, listeners, INSTANT) as running,
    ):
        asyncio.run(measure(running, 20, rate, 5, pcm))  # the first connections of every process
        counts = [int(count) for count in sessions.split(",")]
        figures = [
            asyncio.run(measure(running, count, rate, max(seconds, count / rate), pcm))
            for count in track(counts, description="Measuring")
        ]
    Console(width=200).print(table(figures))
    write_results("talkers", figures)


if __name__ == "__main__":
    typer.run(main)
