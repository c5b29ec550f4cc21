"""Recordings for Deepgram's clients, and their results in a form to compare."""

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jiwer
import numpy as np

from tests.e2e.speech import Clip, clip, normalized
from wire.audio import Pcm, decode_pcm, encode_pcm

DATA = Path("tests/data").resolve()
SILLY, LOBSTER = clip("silly.wav"), clip("lobster.wav")
LINEAR = {"encoding": "linear16", "sample_rate": 16_000}
SILENCE = {"silence_s": 1.5, "byte_rate": 32_000}
CLOSE = {"close": True}


def say(name: str) -> dict[str, Any]:
    """A step: a clip of tests/data."""
    return {"say": str(DATA / name)}


def write_wav(file: Path, pcm: Pcm, channels: int = 1, rate: int = 16_000) -> str:
    """Write samples, with two channels interleaved; returns the path."""
    with wave.open(str(file), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(encode_pcm(pcm))
    return str(file)


def stereo(left: Clip, right: Clip, behind_s: float = 0.0) -> Pcm:
    """Two clips, each on a channel; the right one begins later. Interleaved, with a second of silence behind."""
    first, second = decode_pcm(left.pcm), decode_pcm(right.pcm)
    begin = int(behind_s * right.rate)
    both = np.zeros((max(len(first), begin + len(second)) + right.rate, 2), dtype=np.int16)
    both[: len(first), 0] = first
    both[begin : begin + len(second), 1] = second
    return both.reshape(-1)


def errors_in(spoken: str, text: str) -> float:
    """Word error rate."""
    return float(jiwer.wer(normalized(spoken), normalized(text)))


@dataclass(frozen=True)
class Stream:
    """The messages of one stream, as the SDK parsed them."""

    messages: list[dict[str, Any]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def finals(self, channel: int = 0) -> list[dict[str, Any]]:
        return [each for each in self.of("Results") if each["is_final"] and each["channel_index"][0] == channel]

    @property
    def interims(self) -> list[dict[str, Any]]:
        return [each for each in self.of("Results") if not each["is_final"]]

    def text(self, channel: int = 0) -> str:
        return " ".join(best(final)["transcript"] for final in self.finals(channel)).strip()

    def words(self, channel: int = 0) -> list[dict[str, Any]]:
        return [word for final in self.finals(channel) for word in best(final)["words"]]

    @property
    def summary(self) -> dict[str, Any]:
        """The last message."""
        last = self.messages[-1]
        assert last["type"] == "Metadata"
        return last


def best(result: dict[str, Any]) -> dict[str, Any]:
    """The only alternative of a result."""
    (alternative,) = result["channel"]["alternatives"]
    assert isinstance(alternative, dict)
    return alternative


def check_times(stream: Stream, channel: int = 0) -> None:
    """Words come in order, within their results; results do not overlap, and come in order."""
    end = 0.0
    for final in stream.finals(channel):
        assert final["start"] >= end - 0.001
        end = final["start"] + final["duration"]
        at = final["start"] - 0.001
        for word in best(final)["words"]:
            assert at <= word["start"] <= word["end"] <= end + 0.5
            at = word["start"]
