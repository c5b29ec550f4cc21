"""An audio source: a file or the microphone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from infra.sound import container_kinds
from infra.sound.sound_file import SoundFile
from wire.audio import SAMPLE_RATE
from wire.errors import AudioError
from wta.audio.microphone import Microphone
from wta.audio.playback import play
from wta.audio.system_sound import system_device


@dataclass(frozen=True)
class Source:
    """PCM with its rate."""

    rate: int
    """Hertz."""
    live: bool
    """True if the audio cannot wait for a slow gateway."""
    description: str
    frames: Callable[[asyncio.Event], AsyncIterator[bytes]]
    """Called with a stop event; yields Int16 PCM until the audio ends or the event is set: mono, or interleaved."""
    channels: int = 1
    seconds: float | None = None
    """Length; None if it is unknown."""


class Channels(StrEnum):
    """The talkers in an input."""

    ONE = "1"
    TWO = "2"
    AUTO = "auto"
    """Two in a file of two channels, else one."""


def open_file(path: Path, *, realtime: bool, channels: Channels = Channels.ONE) -> Source:
    """Open a sound file.

    Raises:
        AudioError: the file cannot be read, or has not the two channels that it should have.
    """
    sound = SoundFile(path)
    split = channels is Channels.TWO or (channels is Channels.AUTO and sound.channels == 2)
    if split and sound.channels != 2:
        raise AudioError(
            "not_stereo",
            f"{path} has {sound.channels} channel(s), and two talkers need one each.",
            "Leave --channels out, or give a stereo file.",
        )
    length = "of unknown length" if sound.seconds is None else f"{sound.seconds:.1f} s"
    pace = "in real time" if realtime else "as quickly as the gateway takes it"
    return Source(
        rate=SAMPLE_RATE,
        live=False,
        description=f"{path.name}, {length}, {pace}.",
        frames=lambda stop: play(sound.blocks(split=split), stop, realtime=realtime),
        channels=2 if split else 1,
        seconds=sound.seconds,
    )


def is_for_the_gateway(path: Path) -> bool:
    """Return True for a file of a kind that is not decoded here, but by gateways: MP4, M4A, WebM and others."""
    try:
        with path.open("rb") as file:
            return container_kinds.demuxer(file) is not None
    except OSError:
        return False


def open_microphone(
    device: str | None, on_notice: Callable[[str], None], *, split: bool = False, system: bool = False
) -> Source:
    """Open a microphone; ``on_notice`` is called with trouble while recording, ``split`` keeps its channels apart.

    With ``system`` it is the device that records what this machine plays.

    Raises:
        AudioError: there is no microphone, or none with two channels.
    """
    microphone = Microphone(system_device() if system else device, split=split)
    return Source(
        rate=microphone.rate,
        live=True,
        description=f"{microphone.name} listens. Ctrl-C stops.",
        frames=lambda stop: microphone.frames(stop, on_notice),
        channels=2 if split else 1,
    )
