"""Latency and errors of the whole system: recordings in real time through gateway, workers and listener, and back.

Each speaker plays one clip after the other with a pause after each, and speaks 60 % of the time. Latency is the time
from the end of speech, as the speaker sent it, to the arrival of the final text and sentiment; it includes the silence
that ends an utterance. The part of it until the gateway has read the speech is a figure of its own. Client and system
share this machine. Prints a table and writes ``bench-results/live.json``.
"""

import asyncio
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.clips import MANIFEST, Clip, error_name, error_rate
from bench.live_speakers import Speaker, run_speakers, sentence_clips
from bench.results import print_header, write_results
from local.testing import Stack

SHORTEST_S, LONGEST_S = 2.0, 9.0
"""Length of the clips that are used: single sentences."""


def report(speakers: list[Speaker], language: str, cpu: float, offline: dict[Path, str]) -> dict[str, object]:
    """Summarize one run; ``cpu`` is in cores, ``offline`` the text of each clip transcribed as a whole."""
    latencies = [latency for speaker in speakers for latency in speaker.latencies_s]
    lags = [lag for speaker in speakers for lag in speaker.receipt_lags_s]
    interims = [latency for speaker in speakers for latency in speaker.first_interims_s]
    clips = [clip for speaker in speakers for _, _, clip in speaker.clips]
    references, name = [clip.text for clip in clips], error_name(language)
    hypotheses = [text for speaker in speakers for text in speaker.hypotheses()]
    p50, p95 = np.percentile(latencies, (50, 95)) if latencies else (float("nan"),) * 2
    return {
        "talkers": len(speakers),
        "p50_s": round(float(p50), 3),
        "p95_s": round(float(p95), 3),
        "receipt_lag_p95_s": round(float(np.percentile(lags, 95)), 3) if lags else None,
        "missing": sum(speaker.missing for speaker in speakers),
        name: round(error_rate(language, references, hypotheses), 5),
        f"{name}_offline": round(error_rate(language, references, [offline[clip.file] for clip in clips]), 5),
        "utterances": len(latencies),
        "first_interim_p50_s": round(float(np.median(interims)), 3) if interims else None,
        "first_interim_p95_s": round(float(np.percentile(interims, 95)), 3) if interims else None,
        "cpu": round(cpu, 2),
    }


def _transcribe(clips: list[Clip]) -> dict[Path, str]:
    """Transcribe each clip as a whole with the engine alone."""
    from bench.this_engine import transcribe
    from stt_worker.load import load_transcriber
    from stt_worker.settings import Settings

    engine = load_transcriber(Settings(device="cpu"))
    return {clip.file: transcribe(engine, clip.audio(), clip.language).text for clip in clips}


def offline_texts(clips: list[Clip]) -> dict[Path, str]:
    """Transcribe in a child process, so that its memory is free again when the system runs."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_transcribe, clips).result()


def table(reports: list[dict[str, object]], language: str) -> Table:
    """Make the table, one row per number of speakers."""
    out = Table(title="End of speech → final text and sentiment, live")
    name = error_name(language)
    columns = {
        "speakers": "talkers", "utterances": "utterances", "p50": "p50_s", "p95": "p95_s",
        "receipt lag p95": "receipt_lag_p95_s", "missing": "missing",
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
    talkers: Annotated[str, typer.Option(help="Numbers of concurrent speakers, comma-separated.")] = "1,2,4,6,8",
    seconds: Annotated[float, typer.Option(help="Seconds of audio per speaker, pauses included.")] = 60.0,
    stt_workers: Annotated[int, typer.Option(help="Speech-to-text workers.")] = 1,
) -> None:
    """Measure the live system and write bench-results/live.json."""
    print_header(__doc__)
    clips = sentence_clips(manifest, language, SHORTEST_S, LONGEST_S)
    offline = offline_texts(clips)
    counts = [int(count) for count in talkers.split(",")]
    reports = []
    with (
        Progress() as progress,
        tempfile.TemporaryDirectory() as folder,
        Stack.start(Path(folder), env={"LOG_LEVEL": "warning"}, stt_workers=stt_workers).wait_ready() as stack,
    ):
        task = progress.add_task("Speaking", total=len(counts))
        for count in counts:
            psutil.cpu_percent()
            url = f"{stack.url.replace('http', 'ws', 1)}/ws"
            speakers = asyncio.run(run_speakers(url, clips, language, count, seconds))
            cpu = psutil.cpu_percent() / 100 * (psutil.cpu_count() or 1)
            reports.append(report(speakers, language, cpu, offline))
            progress.advance(task)
    Console(width=160).print(table(reports, language))
    write_results("live", reports)


if __name__ == "__main__":
    typer.run(main)
