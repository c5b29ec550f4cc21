"""A person who talks while others send files: the delay of live finals beside sessions that are ahead of real time.

All sessions with files begin at once and send as fast as the gateway takes it; the talker speaks in real time beside
them. Files and speech are recordings in turn with pauses, 60 % speech. The whole system runs with the real models, and
client and system share this machine. Latency is the time from the end of speech to the arrival of the final. Ends when
every file has all its results. Prints the figures and writes ``bench-results/fairness.json``.
"""

import asyncio
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from bench.clips import MANIFEST, Clip
from bench.live_speakers import FRAME_S, Speaker, make_stream, sentence_clips, speak
from bench.memory import rss_kb
from bench.results import print_header, write_results
from infra.celery_app import queue_keys
from infra.redis_client import connect
from local.testing import Stack
from recorder_service.client.client import RecorderClient
from recorder_service.client.errors import GatewayError
from recorder_service.client.options import Hooks, Limits
from wire import names
from wire.audio import SAMPLE_BYTES, SAMPLE_RATE, encode_pcm, to_int16
from wire.messages.client import Start
from wire.messages.results import SegmentFailed
from wire.messages.server import AnyServerMessage, Interim, Ready

SHORTEST_S, LONGEST_S = 1.5, 12.0
"""Length of the recordings that are used: single sentences."""
TALKER_STARTS_S = 3.0
"""Seconds after the files."""
POLL_S = 0.5
"""Interval at which queue and memory are read."""
PATIENCE = Limits(idle_timeout_s=3_600)


@dataclass
class Talker(Speaker):
    """The person who talks."""

    interims: int = 0
    """Interim texts that arrived."""

    def on_message(self, message: AnyServerMessage) -> None:
        """Record one message of the gateway."""
        self.interims += isinstance(message, Interim)
        super().on_message(message)


@dataclass
class File:
    """One session that sends a file."""

    utterances: int = 0
    results: int = 0
    """Utterances that have a text, or for certain none."""
    connections: int = 0
    whole: bool = False
    """Every utterance has its result, in order and once."""

    def on_message(self, message: AnyServerMessage) -> None:
        """Count the connections."""
        self.connections += isinstance(message, Ready)


@dataclass
class Most:
    """The highest readings so far."""

    queue: int = 0
    redis_mb: float = 0.0


async def send_file(url: str, language: str, pcm: bytes, file: File) -> None:
    """Run one session: send everything at once, and wait for all results. One that fails is not whole."""
    step = SAMPLE_BYTES * round(FRAME_S * SAMPLE_RATE)
    hooks = Hooks(file.on_message, lambda _: None)
    try:
        async with RecorderClient(url, Start(language=language), limits=PATIENCE, hooks=hooks) as client:
            for offset in range(0, len(pcm), step):
                await client.send(pcm[offset : offset + step])
            file.utterances = (await client.stop()).segments
    except GatewayError as error:
        Console(stderr=True).print(f"a file failed: {error}")
        return
    results = client.transcript.own_results
    file.results = sum(not isinstance(result, SegmentFailed) for result in results)
    file.whole = file.results == file.utterances and [r.segment for r in results] == list(range(file.utterances))


async def watch(stack: Stack, most: Most) -> None:
    """Read the tasks in the STT queue and the memory of Redis until cancelled."""
    redis = connect(stack.redis_url)
    while True:
        most.queue = max(most.queue, sum(redis.llen(key) for key in queue_keys(names.STT_QUEUE)))
        most.redis_mb = max(most.redis_mb, rss_kb(stack, "redis") / 1024)
        await asyncio.sleep(POLL_S)


def counted(stack: Stack) -> int:
    """Return the number of utterances in the gateway's metrics."""
    text = httpx.get(f"{stack.url}/metrics").text
    return round(sum(float(n) for n in re.findall(r"^wta_utterances_total\{.*\} (\S+)$", text, re.MULTILINE)))


async def measure(stack: Stack, clips: list[Clip], sessions: int, file_s: float, talk_s: float) -> dict[str, object]:
    """Run the files and the talker at once, and return the figures."""
    url = f"{stack.url.replace('http', 'ws', 1)}/ws"
    talker, files, most = Talker(), [File() for _ in range(sessions)], Most()
    language = clips[0].language
    speech = make_stream(clips, talk_s, talker, seed=sessions)
    streams = [encode_pcm(to_int16(make_stream(clips, file_s, Speaker(), seed))) for seed in range(sessions)]
    watching = asyncio.create_task(watch(stack, most))
    await asyncio.gather(
        speak(url, language, speech, TALKER_STARTS_S, talker),
        *(send_file(url, language, pcm, file) for pcm, file in zip(streams, files, strict=True)),
    )
    watching.cancel()
    found = len(talker.finals) + talker.missing + sum(file.utterances for file in files)
    p50, p95 = np.percentile(talker.latencies_s, (50, 95)) if talker.latencies_s else (float("nan"),) * 2
    return {
        "talker_p95_s": round(float(p95), 3),
        "talker_p50_s": round(float(p50), 3),
        "interims": talker.interims,
        "files_complete": sum(file.whole for file in files),
        "lines_broken": sum(max(0, file.connections - 1) for file in files),
        "counted_twice": counted(stack) - found,
        "queue_most": most.queue,
        "redis_mb_most": round(most.redis_mb, 1),
        "talker_finals": len(talker.finals),
        "talker_missing": talker.missing,
        "files": sessions,
        "file_utterances": sum(file.utterances for file in files),
    }


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds.")] = MANIFEST,
    language: Annotated[str, typer.Option(help="Recordings of this language.")] = "en",
    sessions: Annotated[int, typer.Option(min=0, help="Sessions that send a file.")] = 30,
    minutes: Annotated[float, typer.Option(help="Length of each file.")] = 5.0,
    talk_s: Annotated[float, typer.Option(help="Seconds of audio of the talker, pauses included.")] = 180.0,
) -> None:
    """Measure the talker beside the files and write bench-results/fairness.json."""
    print_header(__doc__)
    clips = sentence_clips(manifest, language, SHORTEST_S, LONGEST_S)
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack.start(Path(folder), env={"LOG_LEVEL": "warning"}).wait_ready(timeout=300) as stack,
    ):
        figures = asyncio.run(measure(stack, clips, sessions, 60 * minutes, talk_s))
    table = Table("figure", "value", title=f"One talker beside {sessions} files of {minutes:g} minutes")
    for figure, value in figures.items():
        table.add_row(figure, str(value))
    Console().print(table)
    write_results("fairness", figures)


if __name__ == "__main__":
    typer.run(main)
