"""Latency of the pipeline without the models: end of the trailing silence → result at the client, instant engines.

Sessions stream short utterances of real speech in real time. Latency is the time from the end of the silence that ends
an utterance (``clock.endpointed``) to the arrival of its result at the client, which shares this machine. Prints a
table with all hops and writes ``bench-results/overhead.json``.
"""

import asyncio
import tempfile
import time
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, cast

import numpy as np
import typer
import websockets
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.results import print_header, write_results
from infra.clock import now
from local.testing import Stack
from wire.audio import SAMPLE_BYTES, SAMPLE_RATE, decode_pcm, encode_pcm, to_int16
from wire.messages.base import HOPS, hop_ms
from wire.messages.results import Final
from wire.messages.server import Stopped, server_message

CLIP = Path("tests/data/lobster.wav")
SPEECH_S, PAUSE_S = 0.6, 0.7
FRAME_S = 0.1
NOISE = 10 ** (-75 / 20)
SHOWN = [hop for hop in HOPS if hop not in {"endpointing", "total"}]
"""Hops between the end of the silence and the socket; ``receipt``, from there to the client, is added."""


@dataclass
class Run:
    """Measurements with one number of sessions."""

    sessions: int
    expected: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    hops_ms: dict[str, list[float]] = field(default_factory=dict)

    def add(self, final: Final, received: float) -> None:
        """Record a final that arrived at ``received`` (Unix seconds)."""
        self.latencies_ms.append((received - final.clock.endpointed) * 1000)
        for hop in SHOWN:
            self.hops_ms.setdefault(hop, []).append(hop_ms(final.clock, hop) or 0.0)
        self.hops_ms.setdefault("receipt", []).append((received - (final.clock.delivered or received)) * 1000)

    def report(self) -> dict[str, object]:
        """Summarize as percentiles in milliseconds."""
        p50, p99 = np.percentile(self.latencies_ms, (50, 99))
        return {
            "sessions": self.sessions,
            "p50_ms": round(float(p50), 1),
            "p99_ms": round(float(p99), 1),
            "lost": self.expected - len(self.latencies_ms),
            "utterances": self.expected,
            "hops": {
                hop: dict(zip(("p50_ms", "p99_ms"), np.percentile(v, (50, 99)).round(1).tolist(), strict=True))
                for hop, v in self.hops_ms.items()
            },
        }


def utterance() -> bytes:
    """Return one utterance as Int16 PCM: ``SPEECH_S`` of real speech, then ``PAUSE_S`` of quiet noise."""
    with wave.open(str(CLIP)) as clip:
        pcm = decode_pcm(clip.readframes(clip.getnframes()))
    loudest = int(np.argmax(np.convolve(np.square(pcm.astype(float)), np.ones(SAMPLE_RATE // 2), "valid")))
    speech = pcm[loudest : loudest + int(SPEECH_S * SAMPLE_RATE)]
    noise = np.random.default_rng(1).normal(0, NOISE, int(PAUSE_S * SAMPLE_RATE)).astype(np.float32)
    return encode_pcm(np.concatenate([speech, to_int16(noise)]))


async def speak(url: str, pcm: bytes, utterances: int, delay_s: float, run: Run) -> None:
    """Run one session from its start to ``stopped``."""
    await asyncio.sleep(delay_s)
    async with websockets.connect(url, compression=None, open_timeout=30) as socket:

        async def receive() -> None:
            async for text in socket:
                message = server_message.validate_json(text)
                if isinstance(message, Final):
                    run.add(message, now())
                elif isinstance(message, Stopped):
                    return

        receiving = asyncio.create_task(receive())
        step = int(FRAME_S * SAMPLE_RATE) * SAMPLE_BYTES
        started = time.monotonic()
        stream = pcm * utterances
        for number, offset in enumerate(range(0, len(stream), step), 1):
            await socket.send(stream[offset : offset + step])
            await asyncio.sleep(max(0.0, started + number * FRAME_S - time.monotonic()))
        await socket.send('{"type":"stop"}')
        await receiving


async def measure(url: str, sessions: int, utterances: int) -> Run:
    """Run all sessions at once; their starts are spread evenly over one utterance."""
    run = Run(sessions, expected=sessions * utterances)
    pcm = utterance()
    cycle = SPEECH_S + PAUSE_S
    await asyncio.gather(*(speak(url, pcm, utterances, cycle * i / sessions, run) for i in range(sessions)))
    return run


def table(reports: list[dict[str, object]]) -> Table:
    """Make the table, one row per number of sessions."""
    hops = [*SHOWN, "receipt"]
    out = Table(title="End of the trailing silence → result at the client (ms, p50 / p99)")
    for column in ("sessions", "utterances", "lost", "total", *hops):
        out.add_column(column, justify="right")
    for report in reports:
        figures = cast("dict[str, dict[str, float]]", report["hops"])
        out.add_row(
            *(str(report[key]) for key in ("sessions", "utterances", "lost")),
            f"{report['p50_ms']} / {report['p99_ms']}",
            *(f"{figures[hop]['p50_ms']} / {figures[hop]['p99_ms']}" for hop in hops),
        )
    return out


def main(
    sessions: Annotated[str, typer.Option(help="Numbers of parallel sessions, comma-separated.")] = "1,10,100",
    utterances: Annotated[int, typer.Option(help="Utterances per session; at least 120 in the run with one.")] = 20,
    url: Annotated[str, typer.Option(help="URL of a gateway with instant engines; empty starts one.")] = "",
) -> None:
    """Measure the overhead and write bench-results/overhead.json."""
    print_header(__doc__)
    counts = [int(count) for count in sessions.split(",")]
    if url:
        reports = measure_all(url, counts, utterances)
    else:
        env = {"STT_MODEL": "instant", "ANALYZER_MODEL": "instant", "LOG_LEVEL": "warning"}
        with tempfile.TemporaryDirectory() as folder, Stack.start(Path(folder), env=env).wait_ready() as stack:
            reports = measure_all(f"{stack.url.replace('http', 'ws', 1)}/ws", counts, utterances)
    Console(width=200).print(table(reports))
    write_results("overhead", reports)


def measure_all(url: str, counts: list[int], utterances: int) -> list[dict[str, object]]:
    """Warm up, then measure with each number of sessions."""
    asyncio.run(measure(url, 1, 5))  # the first connections of every process
    return [
        asyncio.run(measure(url, count, max(utterances, 120) if count == 1 else utterances)).report()
        for count in track(counts, description="Measuring")
    ]


if __name__ == "__main__":
    typer.run(main)
