"""A long file over HTTP, with one speech-to-text worker and with two.

The file is made of recordings with pauses, 60 % speech, as FLAC. The whole system runs with the real models, each
worker with one thread, and client and system share this machine. The speed-up is the time from request to answer with
one worker divided by that with two; the words of both are compared. Memory is the highest resident size of the gateway
and of a decoder. For cancelling, the client goes in the middle of the file: the time until none of its utterances is
in the ledger. A person talks in real time beside the file, with two workers. Prints the figures and writes
``bench-results/files.json``.
"""

import asyncio
import io
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import jiwer
import psutil
import soundfile
import typer
from rich.console import Console
from rich.table import Table

from bench.clips import MANIFEST, Clip
from bench.fairness import Talker, talk
from bench.live_speakers import Speaker, make_stream, sentence_clips
from bench.results import print_header, write_results
from infra.redis_client import connect
from local.testing import Stack
from wire import names
from wire.audio import SAMPLE_RATE

SHORTEST_S, LONGEST_S = 1.5, 12.0
"""Length of the recordings that are used: single sentences."""
PATH = "/v1/audio/transcriptions"
ANSWER_S = 3_600.0
POLL_S = 0.1
CANCEL_AFTER_S = 3.0
"""Seconds after which the client goes."""
GATEWAY = "fastapi_service"
MB = 1 << 20


@dataclass
class Most:
    """The highest resident sizes so far, in MB."""

    gateway_mb: float = 0.0
    decoder_mb: float = 0.0
    _began_mb: float = field(default=0.0)

    async def watch(self, stack: Stack) -> None:
        """Read sizes until cancelled."""
        process = psutil.Process(stack.pid(GATEWAY))
        while True:
            with suppress(psutil.NoSuchProcess):
                self.gateway_mb = max(self.gateway_mb, process.memory_info().rss / MB)
                for child in process.children():
                    self.decoder_mb = max(self.decoder_mb, child.memory_info().rss / MB)
            await asyncio.sleep(POLL_S)


def make_file(clips: list[Clip], seconds: float) -> bytes:
    """Return a recording as FLAC."""
    file = io.BytesIO()
    soundfile.write(file, make_stream(clips, seconds, Speaker(), seed=1), SAMPLE_RATE, format="FLAC")
    return file.getvalue()


async def send(stack: Stack, file: bytes, language: str) -> tuple[float, dict[str, Any]]:
    """Return the seconds until the answer, and the answer."""
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=stack.url, timeout=ANSWER_S) as client:
        fields = {"language": language, "response_format": "verbose_json"}
        answer = await client.post(PATH, files={"file": ("talk.flac", file)}, data=fields)
    answer.raise_for_status()
    return time.monotonic() - began, answer.json()


async def cancel(stack: Stack, file: bytes, language: str) -> float:
    """Return the seconds from the client's leaving until nothing of its file is in the ledger."""
    sending = asyncio.create_task(send(stack, file, language))
    await asyncio.sleep(CANCEL_AFTER_S)
    redis = connect(stack.redis_url)
    assert redis.zrange(names.PENDING, 0, 0), "the file is over already"
    sending.cancel()
    began = time.monotonic()
    while redis.zrange(names.PENDING, 0, 0):  # noqa: ASYNC110 (the sweeper has no event)
        await asyncio.sleep(0.02)
    return time.monotonic() - began


def cpu_s(stack: Stack, workers: int) -> dict[str, float]:
    """Return the processor time of each service so far, in seconds; the gateway's has that of decoders that ended."""
    programs = [GATEWAY, names.ANALYZER_WORKER, names.LISTENER, "redis"]
    programs += [f"{names.STT_WORKER}:{number}" for number in range(workers)]
    return {program: sum(psutil.Process(stack.pid(program)).cpu_times()[:4]) for program in programs}


async def measure(stack: Stack, file: bytes, language: str, workers: int) -> tuple[dict[str, Any], str]:
    """Return time and memory of one file, and its text.

    The load of the machine before, and the processor time of each service, show whether something else took its time.
    """
    most, before, load = Most(), cpu_s(stack, workers), round(os.getloadavg()[0], 2)
    watching = asyncio.create_task(most.watch(stack))
    took_s, answer = await send(stack, file, language)
    watching.cancel()
    assert "failed_segments" not in answer
    figures = {"took_s": round(took_s, 1), "times_real_time": round(answer["duration"] / took_s, 2)}
    memory = {"gateway_mb": round(most.gateway_mb, 1), "decoder_mb": round(most.decoder_mb, 1)}
    used = {program: round(after - before[program], 1) for program, after in cpu_s(stack, workers).items()}
    return figures | memory | {"cpu_s": used, "load_before": load}, answer["text"]


async def beside(stack: Stack, file: bytes, clips: list[Clip], talk_s: float) -> dict[str, Any]:
    """Return the delays of a person who talks beside the file, and alone before it."""
    url, language = f"{stack.url.replace('http', 'ws', 1)}/ws", clips[0].language
    alone, talker = Talker(), Talker()
    await talk(url, language, make_stream(clips, talk_s, alone, seed=2), 0.0, alone)
    sending = asyncio.create_task(send_again(stack, file, language))
    await talk(url, language, make_stream(clips, talk_s, talker, seed=3), 3.0, talker)
    sending.cancel()
    p50_s, p95_s = talker.percentiles_s()
    return {"talker_p95_s": p95_s, "talker_p50_s": p50_s, "talker_alone_p95_s": alone.percentiles_s()[1],
            "talker_finals": len(talker.finals), "talker_missing": talker.missing_finals}  # fmt: skip


async def send_again(stack: Stack, file: bytes, language: str) -> None:
    """Send the file, and when it is done once more, until cancelled."""
    while True:
        await send(stack, file, language)


def run(workers: int, file: bytes, clips: list[Clip], talk_s: float) -> tuple[dict[str, Any], str]:
    """Run a system with so many workers; the talker, and the client that goes, are beside two only."""
    env = {"LOG_LEVEL": "warning", "STT_THREADS": "1"}
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack.start(Path(folder), env=env, stt_workers=workers).wait_ready(timeout=300) as stack,
    ):
        language = clips[0].language
        figures, text = asyncio.run(measure(stack, file, language, workers))
        more: dict[str, Any] = {}
        if workers > 1:
            more = {"cancelled_after_s": round(asyncio.run(cancel(stack, file, language)), 2)}
            more |= asyncio.run(beside(stack, file, clips, talk_s)) if talk_s else {}
        return figures | more, text


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds.")] = MANIFEST,
    language: Annotated[str, typer.Option(help="Recordings of this language.")] = "en",
    minutes: Annotated[float, typer.Option(help="Length of the file.")] = 30.0,
    talk_s: Annotated[float, typer.Option(min=0, help="Seconds of audio of the talker; 0: without.")] = 120.0,
) -> None:
    """Measure a file with one worker and with two, and write bench-results/files.json."""
    print_header(__doc__)
    clips = sentence_clips(manifest, language, SHORTEST_S, LONGEST_S)
    file = make_file(clips, 60 * minutes)
    (one, text_of_one), (two, text_of_two) = (run(workers, file, clips, talk_s) for workers in (1, 2))
    figures = {
        "speed_up": round(one["took_s"] / two["took_s"], 2),
        "same_text": text_of_one == text_of_two,
        "word_difference": round(float(jiwer.wer(text_of_one, text_of_two)), 4),
        "words": len(text_of_one.split()),
        "file_mb": round(len(file) / 1e6, 1),
        "one_worker": one,
        "two_workers": two,
    }
    table = Table("figure", "value", title=f"A file of {minutes:g} minutes over HTTP")
    for figure, value in figures.items():
        table.add_row(figure, str(value))
    Console().print(table)
    write_results("files", figures)


if __name__ == "__main__":
    typer.run(main)
