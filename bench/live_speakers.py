"""Simulated speakers of the live benchmark: each streams recordings in real time and collects its results."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import typer

from bench.clips import Clip, read_manifest
from fastapi_service.settings import Settings as GatewaySettings
from infra.clock import now
from wire.audio import SAMPLE_RATE, Samples, encode_pcm, to_int16
from wire.messages.client import Start
from wire.messages.results import Final
from wire.messages.server import AnyServerMessage, Interim, SpeechStarted
from wta.client.client import Client
from wta.client.options import Hooks

SPEECH_SHARE = 0.6
"""Share of the time in which a speaker speaks."""
MIN_PAUSE_S = 1.0
"""Shortest pause after a clip."""
FRAME_S = 0.1
"""Audio per binary message."""
START_DELAY_S = 0.7
"""Between the starts of two speakers."""
NOISE = 10 ** (-75 / 20)
"""Amplitude of the noise in pauses: 75 dB below full scale."""
PRE_ROLL_S = GatewaySettings.model_fields["pre_roll_ms"].default / 1000


@dataclass
class Speaker:
    """One session: its clips with their times on the audio clock, and its results."""

    clips: list[tuple[float, float, Clip]] = field(default_factory=list)
    """Start (s), end (s), clip."""
    started_at: float = 0.0
    """Unix seconds at which the first sample was sent."""
    latencies_s: list[float] = field(default_factory=list)
    """End of speech, as it was sent → final, for each final. Also what a gateway reads late is in it."""
    receipt_lags_s: list[float] = field(default_factory=list)
    """End of speech, as it was sent → its last voiced frame at the gateway, for each final. A little below zero where a
    recording ends in silence."""
    first_interims_s: list[float] = field(default_factory=list)
    """Start of speech → first interim, for each utterance with an interim."""
    finals: list[Final] = field(default_factory=list)
    arrivals_s: list[float] = field(default_factory=list)
    """Unix seconds at which each of ``finals`` came."""
    missing: int = 0
    """Results that did not arrive."""
    _speech_starts: dict[int, float] = field(default_factory=dict)
    """Segment without an interim so far → Unix seconds at which its speech started."""

    def on_message(self, message: AnyServerMessage) -> None:
        """Record one message of the gateway."""
        received = now()
        match message:
            case SpeechStarted():
                self._speech_starts[message.segment] = self.started_at + message.at_ms / 1000 + PRE_ROLL_S
            case Interim():
                started = self._speech_starts.pop(message.segment, None)
                if started is not None:
                    self.first_interims_s.append(received - started)
            case Final():
                self.finals.append(message)
                self.arrivals_s.append(received)
                spoken = self._spoken_at(message)
                self.latencies_s.append(received - spoken)
                self.receipt_lags_s.append(message.clock.speech_end - spoken)

    def _spoken_at(self, final: Final) -> float:
        """Return the Unix seconds at which an utterance had been spoken: with its clip, or at a pause in that."""
        end_s = final.end_ms / 1000
        if self.spans:
            end_s = min(end_s, self.spans[self._nearest(final)][1])
        return self.started_at + end_s

    @property
    def spans(self) -> list[tuple[float, float]]:
        """Return start and end (s) of what is compared with its reference: each clip."""
        return [(start, end) for start, end, _ in self.clips]

    def references(self) -> list[str]:
        """Return the reference for each of ``spans``."""
        return [clip.text for _, _, clip in self.clips]

    def file_texts(self, texts: Mapping[Path, str]) -> list[str]:
        """Return the text for each of ``spans`` as recordings were transcribed; ``texts`` has that of each file."""
        return [texts[clip.file] for _, _, clip in self.clips]

    def _nearest(self, final: Final) -> int:
        """Return the number of the span whose middle is nearest to that of a final."""
        middle, spans = (final.start_ms + final.end_ms) / 2000, self.spans
        return min(range(len(spans)), key=lambda i: abs(sum(spans[i]) / 2 - middle))

    def hypotheses(self) -> list[str]:
        """Return the text for each of ``spans``: the finals whose middle is nearest to the span's."""
        texts: list[list[str]] = [[] for _ in self.spans]
        for final in self.finals:
            texts[self._nearest(final)].append(final.text)
        return [" ".join(each) for each in texts]


def sentence_clips(manifest: Path, language: str, shortest_s: float, longest_s: float) -> list[Clip]:
    """Return the clips of a language that have a text and a length in seconds between two bounds.

    Raises:
        typer.BadParameter: there is none.
    """
    clips = [
        clip
        for clip in read_manifest(manifest)
        if clip.language == language and clip.text and shortest_s <= clip.seconds <= longest_s
    ]
    if not clips:
        raise typer.BadParameter(f"{manifest} has no clips of {shortest_s}–{longest_s} s in {language}.")
    return clips


def quiet(seconds: float, random: np.random.Generator) -> Samples:
    """Return the noise of a pause, float32 at 16 kHz."""
    return random.normal(0, NOISE, round(seconds * SAMPLE_RATE)).astype(np.float32)


def make_stream(clips: list[Clip], seconds: float, speaker: Speaker, seed: int) -> np.ndarray:
    """Return clips and pauses of about ``seconds`` together, float32 at 16 kHz; note the clips in ``speaker``."""
    random = np.random.default_rng(seed)
    parts, position, number = [], 0, 0

    def add(samples: np.ndarray) -> None:
        nonlocal position
        parts.append(samples)
        position += len(samples)

    add(quiet(1.0, random))
    while position < seconds * SAMPLE_RATE:
        clip = clips[(seed * 5 + number) % len(clips)]
        number += 1
        start = position / SAMPLE_RATE
        add(clip.audio())
        speaker.clips.append((start, position / SAMPLE_RATE, clip))
        add(quiet(max(MIN_PAUSE_S, clip.seconds * (1 / SPEECH_SHARE - 1)), random))
    return np.concatenate(parts)


async def play(client: Client, samples: np.ndarray) -> None:
    """Send samples in real time, shape (samples,) or (samples, channels), 16 kHz."""
    pcm = encode_pcm(to_int16(samples))
    step = samples[:1].size * 2 * round(FRAME_S * SAMPLE_RATE)
    started = time.monotonic()
    for number, offset in enumerate(range(0, len(pcm), step), 1):
        await asyncio.sleep(max(0.0, started + number * FRAME_S - time.monotonic()))
        await client.send(pcm[offset : offset + step])  # a microphone delivers a frame when it is complete


async def speak(url: str, language: str | None, samples: np.ndarray, delay_s: float, speaker: Speaker) -> None:
    """Run one session: wait ``delay_s``, stream ``samples`` in real time, stop, and wait for all results."""
    await asyncio.sleep(delay_s)
    async with Client(url, Start(language=language), hooks=Hooks(speaker.on_message, lambda _: None)) as client:
        speaker.started_at = now()
        await play(client, samples)
        stopped = await client.stop()
        speaker.missing = stopped.pending + client.transcript.missing


async def run_speakers(url: str, language: str | None, speakers: Sequence[tuple[Speaker, Samples]]) -> None:
    """Run sessions at once, each with what its speaker says."""
    await asyncio.gather(
        *(
            speak(url, language, samples, START_DELAY_S * number, speaker)
            for number, (speaker, samples) in enumerate(speakers)
        )
    )
