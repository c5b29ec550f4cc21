"""The whole system while people talk: real recordings in real time through gateway, workers and listener, and back.

Each talker speaks one clip after the other, with a pause after each, so that people talk for 60 % of the time. Latency
is the time from the end of speech (``clock.speech_end``: its last loud frame reached the gateway) to the arrival of
text and sentiment, which never change again; it includes the silence that ends an utterance. Client and system share
this machine. Prints a table and writes ``bench-results/live.json``.
"""

import asyncio
import json
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.clips import MANIFEST, Clip, error_name, error_rate, read_manifest
from fastapi_service.settings import Settings as GatewaySettings
from local.testing import Stack
from recorder_service.client.client import RecorderClient
from recorder_service.client.options import Hooks
from wire.audio import SAMPLE_RATE, encode_pcm, to_int16
from wire.messages.base import now
from wire.messages.client import Start
from wire.messages.results import Final
from wire.messages.server import AnyServerMessage, Interim, SpeechStarted

RESULTS = Path("bench-results/live.json")
TALK_SHARE = 0.6
LEAST_PAUSE_S = 1.0
SHORTEST_S, LONGEST_S = 2.0, 9.0
"""Clips of this length: sentences, as people say them."""
FRAME_S = 0.1
NOISE = 10 ** (-75 / 20)
PRE_ROLL_S = GatewaySettings.model_fields["pre_roll_ms"].default / 1000


@dataclass
class Talker:
    """One session: what was said and when on its audio clock, and what came back."""

    said: list[tuple[float, float, Clip]] = field(default_factory=list)
    """Begin, end (s), clip."""
    began: float = 0.0
    """When the first sample was sent, Unix seconds."""
    latencies_s: list[float] = field(default_factory=list)
    first_interims_s: list[float] = field(default_factory=list)
    finals: list[Final] = field(default_factory=list)
    missing: int = 0
    _speaking: dict[int, float] = field(default_factory=dict)
    """Segment without an interim text so far → when its speech began."""

    def hear(self, message: AnyServerMessage) -> None:
        received = now()
        match message:
            case SpeechStarted():
                self._speaking[message.segment] = self.began + message.at_ms / 1000 + PRE_ROLL_S
            case Interim():
                began = self._speaking.pop(message.segment, None)
                if began is not None:
                    self.first_interims_s.append(received - began)
            case Final():
                self.finals.append(message)
                self.latencies_s.append(received - message.clock.speech_end)

    def heard(self) -> list[str]:
        """What came back for each clip: the finals whose middle lies nearest to it."""
        texts: list[list[str]] = [[] for _ in self.said]
        for final in self.finals:
            middle = (final.start_ms + final.end_ms) / 2000
            nearest = min(range(len(self.said)), key=lambda i: abs(sum(self.said[i][:2]) / 2 - middle))
            texts[nearest].append(final.text)
        return [" ".join(each) for each in texts]


def stream(clips: list[Clip], seconds: float, talker: Talker, seed: int) -> np.ndarray:
    """Clips and pauses for about ``seconds``, noted in ``talker.said``."""
    random = np.random.default_rng(seed)
    parts, position, number = [], 0, 0

    def add(samples: np.ndarray) -> None:
        nonlocal position
        parts.append(samples)
        position += len(samples)

    def quiet(length_s: float) -> np.ndarray:
        return random.normal(0, NOISE, round(length_s * SAMPLE_RATE)).astype(np.float32)

    add(quiet(1.0))
    while position < seconds * SAMPLE_RATE:
        clip = clips[(seed * 5 + number) % len(clips)]
        number += 1
        begin = position / SAMPLE_RATE
        add(clip.audio())
        talker.said.append((begin, position / SAMPLE_RATE, clip))
        add(quiet(max(LEAST_PAUSE_S, clip.seconds * (1 / TALK_SHARE - 1))))
    return np.concatenate(parts)


async def talk(url: str, language: str | None, samples: np.ndarray, delay_s: float, talker: Talker) -> None:
    await asyncio.sleep(delay_s)
    pcm = encode_pcm(to_int16(samples))
    step = 2 * round(FRAME_S * SAMPLE_RATE)
    async with RecorderClient(url, Start(language=language), hooks=Hooks(talker.hear, lambda _: None)) as client:
        talker.began = now()
        started = time.monotonic()
        for number, offset in enumerate(range(0, len(pcm), step), 1):
            await asyncio.sleep(max(0.0, started + number * FRAME_S - time.monotonic()))
            await client.send(pcm[offset : offset + step])  # a microphone has a frame when it is over
        stopped = await client.stop()
        talker.missing = stopped.pending + client.transcript.missing


async def measure(url: str, clips: list[Clip], language: str | None, count: int, seconds: float) -> list[Talker]:
    talkers = [Talker() for _ in range(count)]
    streams = [stream(clips, seconds, talker, seed) for seed, talker in enumerate(talkers)]
    await asyncio.gather(
        *(
            talk(url, language, samples, 0.7 * seed, talker)
            for seed, (samples, talker) in enumerate(zip(streams, talkers, strict=True))
        )
    )
    return talkers


def report(talkers: list[Talker], language: str, cpu: float, offline: dict[Path, str]) -> dict[str, object]:
    latencies = [latency for talker in talkers for latency in talker.latencies_s]
    interims = [latency for talker in talkers for latency in talker.first_interims_s]
    clips = [clip for talker in talkers for _, _, clip in talker.said]
    said, name = [clip.text for clip in clips], error_name(language)
    p50, p95 = np.percentile(latencies, (50, 95)) if latencies else (float("nan"),) * 2
    return {
        "talkers": len(talkers),
        "p50_s": round(float(p50), 3),
        "p95_s": round(float(p95), 3),
        "missing": sum(talker.missing for talker in talkers),
        name: round(error_rate(language, said, [text for talker in talkers for text in talker.heard()]), 5),
        f"{name}_offline": round(error_rate(language, said, [offline[clip.file] for clip in clips]), 5),
        "utterances": len(latencies),
        "first_interim_p50_s": round(float(np.median(interims)), 3) if interims else None,
        "first_interim_p95_s": round(float(np.percentile(interims, 95)), 3) if interims else None,
        "cpu": round(cpu, 2),
    }


def _transcribe(clips: list[Clip]) -> dict[Path, str]:
    """Each clip as a whole, by this engine alone."""
    from stt_worker.engines.base import Deadline, RecognitionConfig
    from stt_worker.load import load_transcriber
    from stt_worker.settings import Settings

    engine = load_transcriber(Settings(device="cpu"))
    deadline = Deadline.after(3_600)
    return {
        clip.file: engine.transcribe(clip.audio(), RecognitionConfig(clip.language), deadline).text for clip in clips
    }


def offline_texts(clips: list[Clip]) -> dict[Path, str]:
    """In a process of its own, whose memory is gone when the system runs."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_transcribe, clips).result()


def table(reports: list[dict[str, object]], language: str) -> Table:
    out = Table(title="End of speech → final text and sentiment, live")
    name = error_name(language)
    columns = {
        "talkers": "talkers", "utterances": "utterances", "p50": "p50_s", "p95": "p95_s", "missing": "missing",
        "first interim p50": "first_interim_p50_s", "p95 ": "first_interim_p95_s", name.upper(): name,
        f"{name.upper()} offline": f"{name}_offline", "CPU (cores)": "cpu",
    }  # fmt: skip
    for column in columns:
        out.add_column(column, justify="right")
    for each in reports:
        out.add_row(*(f"{each[key]:.2%}" if name in key else str(each[key]) for key in columns.values()))
    return out


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds.")] = MANIFEST,
    language: Annotated[str, typer.Option(help="Clips of this language.")] = "en",
    talkers: Annotated[str, typer.Option(help="Numbers of people who talk at once, comma-separated.")] = "1,2,4,6,8",
    seconds: Annotated[float, typer.Option(help="How long each of them talks, pauses included.")] = 60.0,
    stt_workers: Annotated[int, typer.Option(help="Speech-to-text workers.")] = 1,
) -> None:
    """Measure the live system and write bench-results/live.json."""
    clips = [
        clip
        for clip in read_manifest(manifest)
        if clip.language == language and clip.text and SHORTEST_S <= clip.seconds <= LONGEST_S
    ]
    if not clips:
        raise typer.BadParameter(f"{manifest} has no clips of {SHORTEST_S}–{LONGEST_S} s in {language}.")
    offline = offline_texts(clips)
    counts = [int(count) for count in talkers.split(",")]
    reports = []
    with (
        Progress() as progress,
        tempfile.TemporaryDirectory() as folder,
        Stack.start(Path(folder), env={"LOG_LEVEL": "warning"}, stt_workers=stt_workers).wait_ready() as stack,
    ):
        task = progress.add_task("Talking", total=len(counts))
        for count in counts:
            psutil.cpu_percent()
            found = asyncio.run(measure(f"{stack.url.replace('http', 'ws', 1)}/ws", clips, language, count, seconds))
            cpu = psutil.cpu_percent() / 100 * (psutil.cpu_count() or 1)
            reports.append(report(found, language, cpu, offline))
            progress.advance(task)
    Console(width=160).print(table(reports, language))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(reports, indent=2) + "\n", encoding="utf-8")
    print(f"written to {RESULTS}")


if __name__ == "__main__":
    typer.run(main)
