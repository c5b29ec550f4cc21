"""The recordings of ``tests/data``."""

import json
from pathlib import Path

import soundfile

from wire.audio import SAMPLE_RATE, Samples, to_float

DATA = Path(__file__).parents[1] / "data"


def recording(name: str) -> Samples:
    """Return the samples of a mono recording at 16 kHz."""
    pcm, rate = soundfile.read(DATA / name, dtype="int16")
    assert (rate, pcm.ndim) == (SAMPLE_RATE, 1)
    return to_float(pcm)


def names() -> list[str]:
    """Return the names of these recordings."""
    lines = map(json.loads, (DATA / "manifest.jsonl").read_text("utf-8").splitlines())
    return [line["file"] for line in lines if "44k1" not in line["file"]]
