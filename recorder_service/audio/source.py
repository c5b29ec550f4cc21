"""An audio source: a file or the microphone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from infra.sound.sound_file import SoundFile
from recorder_service.audio.microphone import Microphone
from recorder_service.audio.playback import play
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
    """Open a sound file.

    Raises:
        AudioError: the file cannot be read.
    """
    sound = SoundFile(path)
    length = "of unknown length" if sound.seconds is None else f"{sound.seconds:.1f} s"
    pace = "in real time" if realtime else "as quickly as the gateway takes it"
    return Source(
        rate=SAMPLE_RATE,
        live=False,
        description=f"{path.name}, {length}, {pace}.",
        frames=lambda stop: play(sound.blocks(), stop, realtime=realtime),
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
