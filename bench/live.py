"""Latency and errors of the whole system: recordings in real time through gateway, workers and listener, and back.

Each speaker speaks 60 % of the time. With long pauses, it plays one clip after the other with a pause after each. With
short ones, it speaks in turns of about 20 to 40 s: clips of one speaker at pauses of 150 to 700 ms (of several speakers
where one has too few), then silence. Latency is the time from the end of speech, as the speaker sent it, to the arrival
of the final text and sentiment; it includes the silence that ends an utterance. The part of it until the gateway has
read the speech is a figure of its own. In turns there is also the latency of each sentence: from its last word to the
arrival of the final that holds that. Client and system share this machine. Prints a table and writes
``bench-results/live.json``.
"""

import asyncio
import multiprocessing
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import psutil
import typer
from rich.console import Console
from rich.progress import Progress

from bench.clips import MANIFEST, Clip
from bench.live_report import Report, report, table, turn_report, turn_table
from bench.live_speakers import Speaker, make_stream, run_speakers, sentence_clips
from bench.live_turns import Talk, TurnSpeaker, clips_of, make_talks, plan_turns
from bench.results import print_header, write_results
from local.testing import Stack
from wire.audio import Samples

SHORTEST_S, LONGEST_S = 2.0, 9.0
"""Length of the clips that are used: single sentences."""
LONGEST_IN_TURN_S = 15.0
"""The same in turns, so that most speakers have enough for some."""

Result = TypeVar("Result")


class Pauses(StrEnum):
    """Pauses between sentences."""

    LONG = "long"
    SHORT = "short"


def _transcribe(clips: Sequence[Clip]) -> dict[Path, str]:
    """Transcribe each clip as a whole with the engine alone."""
    from bench.this_engine import transcribe
    from stt_worker.load import load_transcriber
    from stt_worker.settings import Settings

    engine = load_transcriber(Settings(device="cpu"))
    return {clip.file: transcribe(engine, clip.audio(), clip.language).text for clip in clips}


def _talks(clips: Sequence[Clip], language: str, count: int, seconds: float) -> list[Talk]:
    """Make what so many talkers say in turns."""
    from bench.continuous.voice import find_voice

    return make_talks(plan_turns(clips, language), find_voice, count, seconds)


def apart(work: Callable[..., Result], *arguments: object) -> Result:
    """Do some work in a child process, so that its memory is free again when the system runs."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def run(stack: Stack, language: str, speakers: Sequence[tuple[Speaker, Samples]]) -> float:
    """Run speakers at once, and return the processor time that the machine took, in cores."""
    psutil.cpu_percent()
    asyncio.run(run_speakers(f"{stack.url.replace('http', 'ws', 1)}/ws", language, speakers))
    return psutil.cpu_percent() / 100 * (psutil.cpu_count() or 1)


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds.")] = MANIFEST,
    language: Annotated[str, typer.Option(help="Clips of this language.")] = "en",
    talkers: Annotated[str, typer.Option(help="Numbers of concurrent speakers, comma-separated.")] = "1,2,4,6,8",
    seconds: Annotated[float, typer.Option(help="Seconds of audio per speaker, pauses included, at least.")] = 60.0,
    stt_workers: Annotated[int, typer.Option(help="Speech-to-text workers.")] = 1,
    pauses: Annotated[Pauses, typer.Option(help="Single sentences, or turns of sentences.")] = Pauses.LONG,
) -> None:
    """Measure the live system and write bench-results/live.json."""
    print_header(__doc__)
    in_turns = pauses is Pauses.SHORT
    counts = [int(count) for count in talkers.split(",")]
    clips = sentence_clips(manifest, language, SHORTEST_S, LONGEST_IN_TURN_S if in_turns else LONGEST_S)
    talks = apart(_talks, clips, language, max(counts), seconds) if in_turns else []
    offline = apart(_transcribe, clips_of(talks) if in_turns else clips)
    reports: list[Report] = []
    with (
        Progress() as progress,
        tempfile.TemporaryDirectory() as folder,
        Stack.start(Path(folder), env={"LOG_LEVEL": "warning"}, stt_workers=stt_workers).wait_ready() as stack,
    ):
        task = progress.add_task("Speaking", total=len(counts))
        for count in counts:
            if in_turns:
                taking_turns = [TurnSpeaker(talk=talk) for talk in talks[:count]]
                cpu = run(stack, language, [(each, each.talk.stream.audio) for each in taking_turns])
                reports.append(turn_report(taking_turns, language, cpu, offline))
            else:
                speakers = [Speaker() for _ in range(count)]
                streams = [make_stream(clips, seconds, speaker, seed) for seed, speaker in enumerate(speakers)]
                cpu = run(stack, language, list(zip(speakers, streams, strict=True)))
                reports.append(report(speakers, language, cpu, offline))
            progress.advance(task)
    Console(width=200 if in_turns else 160).print((turn_table if in_turns else table)(reports, language))
    write_results("live", reports)


if __name__ == "__main__":
    typer.run(main)
