"""Cost of a talker beside the models: processor time, latency and Redis' bytes against the number of sessions.

Sessions talk in turn to instant engines, over several gateways and listeners on this machine: each sends an utterance
of real speech in real time, then says how much silence it leaves out, and repeats that after a while. All together
have the same number of utterances a second, however many they are. Processor time is that of all services while they
talk, per utterance; latency is the time from the end of the silence that ends an utterance to the arrival of its result
at the client, which shares this machine. With ``--before`` each number of sessions is measured with the sources of
another folder, too, and right after it with these. Prints a table and writes ``bench-results/growth.json``.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import httpx
import numpy as np
import psutil
import typer
import websockets
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.overhead import FRAME_S, utterance
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
WARM_UP, WARM_UP_S = 20, 5.0
"""Sessions and seconds before a run."""


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


@dataclass(frozen=True)
class Load:
    """Speech of all sessions together."""

    pcm: bytes
    """One utterance, Int16."""
    rate: float
    """Utterances a second."""
    seconds: float

    def cycle_s(self, sessions: int) -> float:
        """Return the seconds from one utterance of a session to its next."""
        return max(sessions / self.rate, seconds_of(self.pcm))


@dataclass
class Measurement:
    """Speech that the sessions of one run have sent, and the latencies of its results."""

    utterances: int = 0
    """Utterances that were sent."""
    speech_s: float = 0.0
    """Seconds of audio that were sent."""
    latencies_ms: list[float] = field(default_factory=list)


@contextmanager
def installation(root: Path, gateways: int, listeners: int) -> Iterator[Installation]:
    """Start everything from the sources in a folder; it ends with the context."""
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory()))
        stack = ends.enter_context(Stack.start(folder, env=INSTANT, root=root).wait_ready())
        ports = [free_port("127.0.0.1") for _ in range(gateways - 1)]
        more = [("fastapi_service", {"GATEWAY_PORT": str(port)}) for port in ports]
        more += [(names.LISTENER, {})] * (listeners - 1)
        started = []
        for service, settings in more:
            environment = os.environ | INSTANT | {"REDIS_URL": stack.redis_url} | settings
            process = subprocess.Popen([sys.executable, "-m", f"{service}.{service}"], cwd=root, env=environment)
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
    """Wait until a gateway is ready for speech, at most ``START_S``."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/readyz", timeout=START_S).is_success:
                return
        time.sleep(0.2)
    raise TimeoutError(f"{url} is not ready after {START_S:.0f} s")


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
        seconds, begin = seconds_of(pcm), first
        skip = json.dumps({"type": "gap", "samples": int((every_s - seconds) * SAMPLE_RATE)})
        while begin + seconds <= until:
            for number, offset in enumerate(range(0, len(pcm), step)):
                await asyncio.sleep(max(0.0, begin + number * FRAME_S - time.monotonic()))
                await self._line.send(pcm[offset : offset + step])
            self._measurement.utterances += 1
            self._measurement.speech_s += seconds
            begin += every_s
            if every_s > seconds and begin + seconds <= until:
                await asyncio.sleep(max(0.0, begin - time.monotonic()))
                await self._line.send(skip)

    async def leave(self) -> None:
        """End the connection."""
        await self._line.close()


def run(root: Path, sessions: int, load: Load, gateways: int, listeners: int) -> dict[str, Any]:
    """Return the figures of one number of sessions, with the sources in a folder."""
    with installation(root, gateways, listeners) as running:
        asyncio.run(measure(running, WARM_UP, replace(load, seconds=WARM_UP_S)))  # first connections of every process
        return asyncio.run(measure(running, sessions, load))


async def measure(at: Installation, sessions: int, load: Load) -> dict[str, Any]:
    """Let sessions talk; return the figures."""
    measurement, places = Measurement(), asyncio.Semaphore(CONNECTING)
    enter = (Talker.enter(at.urls[n % len(at.urls)], measurement, places) for n in range(sessions))
    talkers = await asyncio.gather(*enter)
    listening = [asyncio.create_task(talker.listen()) for talker in talkers]
    await asyncio.sleep(SETTLE_S)
    redis, own = connect(at.redis_url), psutil.Process()
    before, bytes_before, own_before = at.cpu_s(), redis_bytes(redis), sum(own.cpu_times()[:2])
    began, every_s = time.monotonic(), load.cycle_s(sessions)
    until = began + max(load.seconds, every_s + seconds_of(load.pcm))  # each session talks at least once
    firsts = (began + every_s * number / sessions for number in range(sessions))
    await asyncio.gather(
        *(talker.talk(load.pcm, first, every_s, until) for talker, first in zip(talkers, firsts, strict=True))
    )
    took_s = time.monotonic() - began
    await asyncio.sleep(SETTLE_S)
    after, bytes_after, own_after = at.cpu_s(), redis_bytes(redis), sum(own.cpu_times()[:2])
    for task in listening:
        task.cancel()
    await asyncio.gather(*(talker.leave() for talker in talkers))
    count = len(measurement.latencies_ms)
    used = {service: round((after[service] - before[service]) * 1000 / count, 2) for service in after}
    p50, p99 = np.percentile(measurement.latencies_ms, (50, 99)).round(1).tolist()
    moved = {name: round((bytes_after[name] - bytes_before[name]) / measurement.speech_s) for name in bytes_after}
    return {
        "sessions": sessions,
        "results_per_s": round(count / took_s, 1),
        "lost": measurement.utterances - count,
        "p50_ms": p50,
        "p99_ms": p99,
        "cpu_ms": round(sum(used.values()), 2),
        "cpu_ms_by_service": used,
        "client_cpu_ms": round((own_after - own_before) * 1000 / count, 2),
        "bytes_per_talker_second": moved,
    }


def seconds_of(pcm: bytes) -> float:
    """Return the length of Int16 PCM."""
    return len(pcm) / SAMPLE_BYTES / SAMPLE_RATE


def redis_bytes(redis: Any) -> dict[str, int]:
    """Return the bytes that Redis has received so far, and those that its append-only file has."""
    info = redis.info()
    return {"received": info["total_net_input_bytes"], "file": info["aof_current_size"]}


def table(figures: list[dict[str, Any]]) -> Table:
    """Make the table, one row per run."""
    services = list(figures[0]["cpu_ms_by_service"])
    out = Table(title="Per utterance: latency (ms, p50 / p99), CPU of all services (ms); bytes per second of a talker")
    columns = ("version", "sessions", "results_per_s", "lost", "cpu_ms")
    for column in (*columns, *services, "client", "latency", "to Redis", "to its file"):
        out.add_column(column, justify="right")
    for row in figures:
        moved = row["bytes_per_talker_second"]
        out.add_row(
            *(str(row[column]) for column in columns),
            *(str(row["cpu_ms_by_service"][service]) for service in services),
            str(row["client_cpu_ms"]),
            f"{row['p50_ms']} / {row['p99_ms']}",
            f"{moved['received']:,}",
            f"{moved['file']:,}",
        )
    return out


def main(
    sessions: Annotated[str, typer.Option(help="Numbers of sessions, comma-separated.")] = "100,300,1000,3000",
    rate: Annotated[float, typer.Option(help="Utterances a second of all sessions together.")] = 20.0,
    seconds: Annotated[float, typer.Option(help="Length of each run; longer, if not all sessions had a turn.")] = 30.0,
    processes: Annotated[int, typer.Option(min=1, help="Gateways, and as many listeners.")] = 2,
    before: Annotated[Path | None, typer.Option(help="Folder with the sources of another version.")] = None,
) -> None:
    """Measure the cost of a talker and write bench-results/growth.json."""
    print_header(__doc__)
    load = Load(utterance(), rate, seconds)
    versions = [*([("before", before)] if before else []), ("now", Path())]
    runs = [(name, root.resolve(), int(count)) for count in sessions.split(",") for name, root in versions]
    figures = [
        {"version": name} | run(root, count, load, processes, processes)
        for name, root, count in track(runs, description="Measuring")
    ]
    Console(width=200).print(table(figures))
    write_results("growth", figures)


if __name__ == "__main__":
    typer.run(main)
