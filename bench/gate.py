"""The page's silence suppressor (its gate): share of audio that it does not send, and what that costs in errors.

The page's code runs under node over recordings, the gateway's endpointer over the audio that is sent, then the real
engine. Each recording is surrounded by quiet room noise and transcribed as recorded and 12 dB quieter. Prints a table
and writes ``bench-results/gate.json``.
"""

import json
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.clips import MANIFEST, Clip, error_name, error_rate, read_manifest
from bench.results import print_header, write_results
from bench.session import voice_model
from bench.this_engine import load_engine, transcribe
from fastapi_service.endpointing.endpointer import Endpointer, EndpointerOptions
from fastapi_service.endpointing.events import Event, Utterance
from stt_worker.engines.base import Transcriber
from wire.audio import SAMPLE_RATE, Pcm, Samples, decode_pcm, to_float, to_int16

SCRIPT = Path(__file__).with_suffix(".js")
ROOM_S = 1.5
"""Seconds of room noise before and after each recording."""
ROOM_DB = -75.0
"""Level of the room noise, dB relative to full scale."""
LEVELS = {"as recorded": 0.0, "12 dB quieter": -12.0}
"""Gain in dB."""
MAX_EXTRA_ERRORS = 0.003
"""Increase of the error rate that counts as within the bar."""

Runs = list[tuple[int, int]]
"""Samples not sent and samples sent, in turn."""


@dataclass(frozen=True)
class Comparison:
    """One recording at one level, with and without the gate."""

    clip: Clip
    without: str
    """Text when everything is sent."""
    gated: str
    """Text with the gate."""
    same: bool
    """True if the gateway cut exactly the same utterances."""
    samples: int
    sent: int


def in_room(audio: Samples, level: float, seed: int) -> Pcm:
    """Apply a gain in dB and put room noise before and after."""
    random = np.random.default_rng(seed)
    before, after = random.normal(0.0, 10 ** (ROOM_DB / 20), (2, int(ROOM_S * SAMPLE_RATE))).astype(np.float32)
    return to_int16(np.concatenate([before, audio * np.float32(10 ** (level / 20)), after]))


def run_gate(recordings: list[Pcm]) -> list[Runs]:
    """Return which samples of each recording the page would send."""
    data = b"".join(struct.pack("<I", len(pcm)) + pcm.astype("<i2").tobytes() for pcm in recordings)
    answer = subprocess.run(["node", SCRIPT], input=data, stdout=subprocess.PIPE, check=True).stdout
    return [[(left_out, sent) for left_out, sent in runs] for runs in json.loads(answer)]


def utterances(pcm: Pcm, runs: Runs) -> list[bytes]:
    """Return the audio of the utterances that the gateway cuts."""
    endpointer = Endpointer(EndpointerOptions(silence_ms=500), voice=voice_model())

    def events() -> Iterator[list[Event]]:
        position = 0
        for left_out, sent in runs:
            position += left_out
            if left_out:
                yield endpointer.gap(left_out, 0.0)
            yield endpointer.feed(pcm[position : position + sent], 0.0)
            position += sent
        assert position == len(pcm)
        yield endpointer.flush(0.0)

    return [event.pcm for batch in events() for event in batch if isinstance(event, Utterance)]


def compare(transcriber: Transcriber, clip: Clip, pcm: Pcm, runs: Runs) -> Comparison:
    """Transcribe a recording with and without the gate."""

    def text(parts: list[bytes]) -> str:
        hypotheses = [transcribe(transcriber, to_float(decode_pcm(part)), clip.language) for part in parts]
        return " ".join(each.text for each in hypotheses)

    everything, sent = utterances(pcm, [(0, len(pcm))]), utterances(pcm, runs)
    without = text(everything)
    same = sent == everything
    gated = without if same else text(sent)
    return Comparison(clip, without, gated, same, len(pcm), sum(count for _, count in runs))


def figures(comparisons: list[Comparison]) -> dict[str, object]:
    """Summarize: errors with and without the gate, and the share that was not sent."""
    language = comparisons[0].clip.language
    references = [each.clip.text for each in comparisons]
    without = error_rate(language, references, [each.without for each in comparisons])
    gated = error_rate(language, references, [each.gated for each in comparisons])
    return {
        "clips": len(comparisons),
        "measure": error_name(language),
        "without": round(without, 5),
        "with_gate": round(gated, 5),
        "same_utterances": sum(each.same for each in comparisons),
        "not_sent": round(1 - sum(each.sent for each in comparisons) / sum(each.samples for each in comparisons), 4),
        "within_bar": gated <= without + MAX_EXTRA_ERRORS,
    }


def print_table(console: Console, stored: dict[str, dict[str, dict[str, object]]]) -> None:
    """Print one row per level and language."""
    table = Table(title="The page's gate")
    for column in ("level", "language", "clips", "errors without", "with it", "same utterances", "not sent"):
        table.add_column(column, justify="left" if column in ("level", "language") else "right")
    for level, languages in stored.items():
        for language, each in languages.items():
            without, gated, saved = (f"{each[name]:.2%}" for name in ("without", "with_gate", "not_sent"))
            name = f"{without} {str(each['measure']).upper()}"
            table.add_row(level, language, str(each["clips"]), name, gated, str(each["same_utterances"]), saved)
    console.print(table)


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds.")] = MANIFEST,
    language: Annotated[list[str] | None, typer.Option(help="Only these languages; may be repeated.")] = None,
) -> None:
    """Measure the page's gate and write bench-results/gate.json."""
    print_header(__doc__)
    clips = [clip for clip in read_manifest(manifest) if clip.text and (not language or clip.language in language)]
    if not clips:
        raise typer.BadParameter(f"{manifest} has no clips with text in these languages.")
    transcriber = load_engine()
    stored: dict[str, dict[str, dict[str, object]]] = {}
    for name, level in LEVELS.items():
        recordings = [in_room(clip.audio(), level, seed) for seed, clip in enumerate(clips)]
        work = list(zip(clips, recordings, run_gate(recordings), strict=True))
        comparisons = [compare(transcriber, *each) for each in track(work, description=name)]
        stored[name] = {
            spoken: figures([each for each in comparisons if each.clip.language == spoken])
            for spoken in sorted({clip.language for clip in clips})
        }
    print_table(Console(), stored)
    write_results("gate", stored)


if __name__ == "__main__":
    typer.run(main)
