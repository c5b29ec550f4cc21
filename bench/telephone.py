"""Speech over a telephone: errors as recorded, at 8 kHz, and at 8 kHz in the codings of G.711, by language.

Each recording is resampled to 8 kHz, coded and decoded, and resampled to 16 kHz as the gateway does it with what Twilio
sends; then it is cut and transcribed as one session. Prints a table and writes ``bench-results/telephone.json``.
"""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import soxr
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.clips import MANIFEST, Clip, error_name, error_rate, read_manifest
from bench.results import print_header, write_results
from bench.session import Session
from bench.stt_engines import utterances
from bench.this_engine import load_engine
from fastapi_service.endpointing.resampler import StreamResampler
from infra.sound.g711 import RATE, decode_alaw, decode_mulaw, encode_alaw, encode_mulaw
from stt_worker.engines.base import Transcriber
from wire.audio import SAMPLE_RATE, Pcm, Samples, to_float, to_int16

LONGEST_S = 30.0
"""Longer recordings are left out, so that no language depends on one of them."""
LEVELS: dict[str, Callable[[Pcm], Pcm] | None] = {
    "as recorded": None,
    "8 kHz": lambda pcm: pcm,
    "µ-law": lambda pcm: decode_mulaw(encode_mulaw(pcm)),
    "A-law": lambda pcm: decode_alaw(encode_alaw(pcm)),
}
"""Changes of the samples at 8 kHz; None: they stay at 16 kHz."""


def over_telephone(audio: Samples, coding: Callable[[Pcm], Pcm]) -> Samples:
    """Return speech at 16 kHz as it is after a telephone, of the same length."""
    slow = to_int16(np.asarray(soxr.resample(audio, SAMPLE_RATE, RATE), dtype=np.float32))
    resampler = StreamResampler(RATE)
    heard = np.concatenate([resampler.feed(coding(slow)), resampler.flush()])
    return to_float(heard[: len(audio)])


def text_of(engine: Transcriber, audio: Samples, language: str) -> str:
    """Return the text that clients would get for a recording, as one session."""
    session = Session(engine, language)
    hypotheses = (session.transcribe(each) for each in utterances(audio))
    return " ".join(each.text for each in hypotheses if session.keep(each))


def measure(engine: Transcriber, clips: list[Clip]) -> dict[str, dict[str, float]]:
    """Return the error rates by language and level."""
    said: dict[str, list[str]] = defaultdict(list)
    written: dict[tuple[str, str], list[str]] = defaultdict(list)
    for clip in track(clips, "Calling"):
        audio = clip.audio()
        said[clip.language].append(clip.text)
        for level, coding in LEVELS.items():
            heard = audio if coding is None else over_telephone(audio, coding)
            written[clip.language, level].append(text_of(engine, heard, clip.language))
    return {
        language: {level: error_rate(language, texts, written[language, level]) for level in LEVELS}
        for language, texts in said.items()
    }


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds.")] = MANIFEST,
    languages: Annotated[str, typer.Option(help="Only these, separated by commas.")] = "",
) -> None:
    """Measure telephone speech and write bench-results/telephone.json."""
    print_header(__doc__)
    chosen = {code for code in languages.split(",") if code}
    clips = [
        clip
        for clip in read_manifest(manifest)
        if clip.text and clip.seconds < LONGEST_S and (not chosen or clip.language in chosen)
    ]
    engine = load_engine()
    rates = measure(engine, clips)
    table = Table(title="Errors")
    for column in ("language", "clips", "s", *LEVELS):
        table.add_column(column, justify="left" if column == "language" else "right")
    for language, by_level in rates.items():
        own = [clip for clip in clips if clip.language == language]
        seconds = f"{sum(clip.seconds for clip in own):.0f}"
        percent = (f"{rate:.1%}" for rate in by_level.values())
        table.add_row(f"{language} ({error_name(language)})", str(len(own)), seconds, *percent)
    Console(width=120).print(table)
    rounded = {code: {level: round(rate, 4) for level, rate in found.items()} for code, found in rates.items()}
    write_results("telephone", {"numerics": engine.revision, "errors": rounded})


if __name__ == "__main__":
    typer.run(main)
