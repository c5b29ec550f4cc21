"""A person who talks while others send files: the delay of live finals beside sessions that are ahead of real time.

All sessions with files begin at once and send as fast as the gateway takes it; the talker speaks in real time beside
them, and alone before that, for comparison. Files and speech are recordings in turn with pauses, 60 % speech. The whole
system runs with the real models, and client and system share this machine. Latency is the time from the end of speech,
as it was sent, to the arrival of the final; a final that does not come counts with the time of the whole session. Ends
when every file has all its results, or makes no progress. Prints the figures and writes
``bench-results/fairness.json``.
"""

import asyncio
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
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
from infra.celery_app import make_celery, queue_depth
from infra.redis_client import connect
from local.testing import Stack
from wire import names
from wire.audio import SAMPLE_BYTES, SAMPLE_RATE, encode_pcm, to_int16
from wire.messages.client import Start
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import AnyServerMessage, Interim, Ready, SpeechEnded, Stopped
from wta.client.client import Client
from wta.client.errors import GatewayError, GatewayUnavailable
from wta.client.options import Hooks, Limits

SHORTEST_S, LONGEST_S = 1.5, 12.0
"""Length of the recordings that are used: single sentences."""
TALKER_STARTS_S = 3.0
"""Seconds after the files."""
LIMITS = Limits(idle_timeout_s=300)
"""A file without a result for so long has failed. Far more sessions than this benchmark has take turns sooner."""
POLL_S = 0.5
"""Interval at which queue and memory are read."""


@dataclass
class Line:
    """The connections of one session."""

    session_id: str | None = None
    broken: int = 0
    """Connections that ended before the session was stopped."""
    resumes: int = 0
    """Connections that were made because results had not come when the session was stopped."""
    _stopped: bool = False

    def on_message(self, message: AnyServerMessage) -> None:
        """Record one message of the gateway."""
        match message:
            case Stopped():
                self._stopped = True
            case Ready():
                self.session_id = message.session_id
                if message.resumed:
                    self.resumes += self._stopped
                    self.broken += not self._stopped
                self._stopped = False

    def on_failure(self, error: GatewayError) -> None:
        """Record that the session has failed: its line is broken if no gateway can be reached."""
        self.broken += isinstance(error, GatewayUnavailable)


@dataclass
class Talker(Speaker):
    """The person who talks."""

    line: Line = field(default_factory=Line)
    interims: int = 0
    """Interim texts that arrived."""
    utterances: int = 0
    """Those that the gateway has announced."""
    without_words: int = 0
    """Those that were found to have none: there is no final to wait for."""
    elapsed_s: float = 0.0
    """From the beginning to the end of the session, also of one that failed."""

    def on_message(self, message: AnyServerMessage) -> None:
        """Record one message of the gateway."""
        self.interims += isinstance(message, Interim)
        self.without_words += isinstance(message, NoSpeech)
        if isinstance(message, SpeechEnded):
            self.utterances = max(self.utterances, message.segment + 1)
        self.line.on_message(message)
        super().on_message(message)

    @property
    def missing_finals(self) -> int:
        """Utterances whose final has not come, for whatever reason; also those that failed."""
        return self.utterances - self.without_words - len(self.finals)

    def percentiles_s(self) -> tuple[float, float]:
        """Return p50 and p95 of the delay of finals.

        A missing final counts with the time of the whole session, and so does a session without any.
        """
        delays = self.latencies_s + [self.elapsed_s] * self.missing_finals
        p50, p95 = np.percentile(delays or [self.elapsed_s], (50, 95))
        return round(float(p50), 3), round(float(p95), 3)


@dataclass
class File:
    """One session that sends a file."""

    utterances: int = 0
    """Those that the gateway has announced, or found in the end."""
    results: int = 0
    """Utterances that have a text, or for certain none."""
    line: Line = field(default_factory=Line)
    whole: bool = False
    """Every utterance has its result, in order and once."""

    def on_message(self, message: AnyServerMessage) -> None:
        """Record one message of the gateway."""
        match message:
            case SpeechEnded():
                self.utterances = max(self.utterances, message.segment + 1)
            case Stopped():
                self.utterances = message.segments
        self.line.on_message(message)

    def on_results(self, results: Sequence[Final | NoSpeech | SegmentFailed]) -> None:
        """Record what the session has got in the end."""
        self.results = sum(not isinstance(result, SegmentFailed) for result in results)
        numbers = [result.segment for result in results]
        self.whole = self.results == self.utterances and numbers == list(range(self.utterances))


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
        async with Client(url, Start(language=language), limits=LIMITS, hooks=hooks) as client:
            for offset in range(0, len(pcm), step):
                await client.send(pcm[offset : offset + step])
            await client.stop()
    except GatewayError as error:
        Console(stderr=True).print(f"a file failed: {error}")
        file.line.on_failure(error)
    else:
        file.on_results(client.transcript.own_results)


async def talk(url: str, language: str, speech: np.ndarray, delay_s: float, talker: Talker) -> None:
    """Run the session of the person who talks. If it fails, what has not come is missing."""
    began = time.monotonic()
    try:
        await speak(url, language, speech, delay_s, talker)
    except GatewayError as error:
        Console(stderr=True).print(f"the talker's session failed: {error}")
        talker.line.on_failure(error)
    talker.elapsed_s = time.monotonic() - began


async def watch(stack: Stack, most: Most) -> None:
    """Read the tasks in the STT queue and the memory of Redis until cancelled."""
    celery = make_celery("bench", stack.redis_url)
    while True:
        most.queue = max(most.queue, queue_depth(celery, names.STT_QUEUE))
        most.redis_mb = max(most.redis_mb, rss_kb(stack, "redis") / 1024)
        await asyncio.sleep(POLL_S)


def counted(stack: Stack) -> int:
    """Return the number of utterances in the gateway's metrics."""
    text = httpx.get(f"{stack.url}/metrics").text
    return round(sum(float(n) for n in re.findall(r"^wta_utterances_total\{.*\} (\S+)$", text, re.MULTILINE)))


def written(stack: Stack, sessions: Sequence[Talker | File]) -> int:
    """Return the number of utterances of sessions that are or were in the ledger; a failed session has some, too."""
    redis = connect(stack.redis_url)
    ids = [session.line.session_id for session in sessions]
    return sum(int(redis.hget(names.session(each), "next_segment") or 0) for each in ids if each is not None)


@dataclass(frozen=True)
class Plan:
    """Sizes of a run."""

    sessions: int
    """Those that send a file."""
    file_s: float
    """Seconds of audio of each."""
    talk_s: float
    """Seconds of audio of the talker beside them."""
    alone_s: float
    """Seconds of audio of the talker before there is any file; 0 for none."""


async def measure(stack: Stack, clips: list[Clip], plan: Plan) -> dict[str, object]:
    """Run the talker alone, then the files and the talker at once, and return the figures."""
    url = f"{stack.url.replace('http', 'ws', 1)}/ws"
    language = clips[0].language
    alone, talker, files, most = Talker(), Talker(), [File() for _ in range(plan.sessions)], Most()
    if plan.alone_s:
        await talk(url, language, make_stream(clips, plan.alone_s, alone, seed=plan.sessions + 1), 0.0, alone)
    speech = make_stream(clips, plan.talk_s, talker, seed=plan.sessions)
    streams = [encode_pcm(to_int16(make_stream(clips, plan.file_s, Speaker(), seed))) for seed in range(plan.sessions)]
    watching = asyncio.create_task(watch(stack, most))
    await asyncio.gather(
        talk(url, language, speech, TALKER_STARTS_S, talker),
        *(send_file(url, language, pcm, file) for pcm, file in zip(streams, files, strict=True)),
    )
    watching.cancel()
    counts = {"queue_most": most.queue, "redis_mb_most": round(most.redis_mb, 1)}
    found = written(stack, [alone, talker, *files])
    return figures(alone, talker, files, counted=counted(stack), written=found) | counts


def figures(alone: Talker, talker: Talker, files: list[File], *, counted: int, written: int) -> dict[str, object]:
    """Return the figures of a run.

    Args:
        alone: before there was any file.
        talker: beside the files.
        files: all of them.
        counted: utterances in the gateway's metrics.
        written: utterances that the ledger has had.
    """
    alone_p50_s, alone_p95_s = alone.percentiles_s()
    p50_s, p95_s = talker.percentiles_s()
    lags = talker.receipt_lags_s
    lines = [alone.line, talker.line, *(file.line for file in files)]
    return {
        "talker_p95_s": p95_s,
        "talker_p50_s": p50_s,
        "talker_alone_p95_s": alone_p95_s if alone.utterances else None,
        "talker_alone_p50_s": alone_p50_s if alone.utterances else None,
        "interims": talker.interims,
        "files_complete": sum(file.whole for file in files),
        "lines_broken": sum(line.broken for line in lines),
        "resumes": sum(line.resumes for line in lines),
        "counted_twice": counted - written,
        "talker_finals": len(talker.finals),
        "talker_missing": talker.missing_finals,
        "talker_without_words": talker.without_words,
        "talker_receipt_lag_p95_s": round(float(np.percentile(lags, 95)), 3) if lags else None,
        "files": len(files),
        "file_utterances": sum(file.utterances for file in files),
    }


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds.")] = MANIFEST,
    language: Annotated[str, typer.Option(help="Recordings of this language.")] = "en",
    sessions: Annotated[int, typer.Option(min=0, help="Sessions that send a file.")] = 30,
    minutes: Annotated[float, typer.Option(help="Length of each file.")] = 5.0,
    talk_s: Annotated[float, typer.Option(help="Seconds of audio of the talker, pauses included.")] = 180.0,
    alone_s: Annotated[float, typer.Option(min=0, help="The same before there is any file; 0: not at all.")] = 60.0,
) -> None:
    """Measure the talker alone and beside the files, and write bench-results/fairness.json."""
    plan = Plan(sessions, 60 * minutes, talk_s, alone_s)
    print_header(__doc__)
    clips = sentence_clips(manifest, language, SHORTEST_S, LONGEST_S)
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack.start(Path(folder), env={"LOG_LEVEL": "warning"}).wait_ready(timeout=300) as stack,
    ):
        figures = asyncio.run(measure(stack, clips, plan))
    table = Table("figure", "value", title=f"One talker beside {sessions} files of {minutes:g} minutes")
    for figure, value in figures.items():
        table.add_row(figure, str(value))
    Console().print(table)
    write_results("fairness", figures)


if __name__ == "__main__":
    typer.run(main)
