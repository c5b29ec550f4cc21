"""An audio source: a file or the microphone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from recorder_service.audio.microphone import Microphone
from recorder_service.audio.playback import play
from recorder_service.audio.wav import read_wav
from wire.audio import SAMPLE_RATE


@dataclass(frozen=True)
class Source:
    """Mono PCM with its rate."""

    rate: int
    """Hertz."""
    live: bool
    """True if the audio cannot wait for a slow gateway."""
    description: str
    frames: Callable[[asyncio.Event], AsyncIterator[bytes]]
    """Called with a stop event; yields Int16 mono PCM until the audio ends or the event is set."""


def open_file(path: Path, *, realtime: bool) -> Source:
    """Open a WAV file.

    Raises:
        AudioError: the file cannot be read.
    """
    pcm = read_wav(path)
    pace = "in real time" if realtime else "as quickly as the gateway takes it"
    return Source(
        rate=SAMPLE_RATE,
        live=False,
        description=f"{path.name}, {len(pcm) / SAMPLE_RATE:.1f} s, {pace}.",
        frames=lambda stop: play(pcm, stop, realtime=realtime),
    )


def open_microphone(device: str | None, on_notice: Callable[[str], None]) -> Source:
    """Open a microphone; ``on_notice`` is called with trouble while recording.

    Raises:
        AudioError: there is no microphone.
    """
    microphone = Microphone(device)
    return Source(
        rate=microphone.rate,
        live=True,
        description=f"{microphone.name} listens. Ctrl-C stops.",
        frames=lambda stop: microphone.frames(stop, on_notice),
    )
