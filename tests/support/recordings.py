"""The recordings of ``tests/data``."""

import json
import wave
from pathlib import Path

from wire.audio import SAMPLE_RATE, Samples, decode_pcm, to_float

DATA = Path(__file__).parents[1] / "data"


def recording(name: str) -> Samples:
    """Return the samples of a mono recording at 16 kHz."""
    with wave.open(str(DATA / name)) as file:
        assert (file.getframerate(), file.getnchannels()) == (SAMPLE_RATE, 1)
        return to_float(decode_pcm(file.readframes(file.getnframes())))


def names() -> list[str]:
    """Return the names of these recordings."""
    lines = map(json.loads, (DATA / "manifest.jsonl").read_text("utf-8").splitlines())
    return [line["file"] for line in lines if "44k1" not in line["file"]]
