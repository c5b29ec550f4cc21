"""Real speech for the tests, sent as a person would say it, and what should come back."""

import asyncio
import json
import time
import warnings
import wave
from dataclasses import dataclass
from pathlib import Path

import jiwer
from whisper.normalizers import EnglishTextNormalizer

from listener_service.counts import Counts
from listener_service.tally import Tally
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.statistics import Statistics
from wta.client.client import Client

DATA = Path("tests/data")
FRAME_S = 0.1
TREND_WINDOW = 20
SLOWLY = 0.5
"""Seconds of a clip sent each second: what happens while somebody speaks then happens on a busy machine too."""
with warnings.catch_warnings():  # the library leaves its word list to the garbage collector to close
    warnings.simplefilter("ignore", ResourceWarning)
    _normalize = EnglishTextNormalizer()


@dataclass(frozen=True)
class Clip:
    """A recording and what is said in it."""

    pcm: bytes
    rate: int
    texts: list[str]

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def clip(name: str) -> Clip:
    """A mono clip of tests/data with its text from the manifest."""
    lines = [json.loads(line) for line in (DATA / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    entry = next(line for line in lines if line["file"] == name)
    with wave.open(str(DATA / name)) as file:
        assert file.getnchannels() == 1
        pcm, rate = file.readframes(file.getnframes()), file.getframerate()
    return Clip(pcm, rate, entry["texts"] if "texts" in entry else [entry["text"]])


async def say(client: Client, spoken: Clip, speed: float = 1.0) -> None:
    """Send a clip so many times faster than it was spoken."""
    step = int(FRAME_S * spoken.rate) * 2
    started = time.monotonic()
    for number, offset in enumerate(range(0, len(spoken.pcm), step), 1):
        await client.send(spoken.pcm[offset : offset + step])
        await asyncio.sleep(max(0.0, started + number * FRAME_S / speed - time.monotonic()))


def normalized(text: str) -> str:
    """A text as Whisper's English normaliser has it."""
    return str(_normalize(text))


def wer(expected: str, results: list[Final | NoSpeech | SegmentFailed]) -> float:
    """Word error rate of all final texts together, with Whisper's English normaliser."""
    heard = " ".join(result.text for result in results if isinstance(result, Final))
    return float(jiwer.wer(normalized(expected), normalized(heard)))


def check_order(results: list[Final | NoSpeech | SegmentFailed]) -> None:
    """Each utterance of a session has exactly one end, in order, without holes in ``seq``."""
    assert [result.segment for result in results] == list(range(len(results)))
    assert [result.seq for result in results] == list(range(1, len(results) + 1))


def check_statistics(statistics: Statistics | None, results: list[Final | NoSpeech | SegmentFailed]) -> None:
    """What the system counted is what a recount of the results gives, to the last digit (latencies aside)."""
    assert statistics is not None
    counts, released = Counts({"session": Tally()}, None, TREND_WINDOW, latency_window=100).add(results)
    assert released == results
    recount = counts.tallies["session"].statistics(
        "session", trend_window=TREND_WINDOW, session_id=results[0].session_id
    )
    assert statistics.model_dump(exclude={"latency"}) == recount.model_dump(exclude={"latency"})
    finals = [result for result in results if isinstance(result, Final)]
    assert statistics.utterances == len(finals)
    assert statistics.words == sum(len(final.text.split()) for final in finals)
    assert statistics.speech_ms == sum(final.end_ms - final.start_ms for final in finals)
    assert statistics.sentences == sum(not final.continues for final in finals)
    assert sum(known.count for known in statistics.sentiment.values()) + statistics.unanalysed == statistics.sentences
