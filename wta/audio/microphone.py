"""The microphone → Int16 mono frames, through PortAudio."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infra.sound.mono import Downmix
from wire.audio import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, SAMPLE_RATE, Pcm, encode_pcm, to_int16
from wire.errors import AudioError

BLOCKS_PER_S = 10
FULL_SCALE = 32_768
MOST_BLOCKS = 100
"""10 s of audio between PortAudio's thread and the event loop."""


@dataclass(frozen=True)
class InputDevice:
    """A device that can record."""

    index: int
    name: str
    channels: int
    rate: int
    """Preferred sample rate in hertz."""
    is_default: bool


def portaudio() -> ModuleType:
    """Import ``sounddevice``. Late, because playing a file needs no PortAudio.

    Raises:
        AudioError: PortAudio is not installed.
    """
    try:
        return import_module("sounddevice")
    except (ImportError, OSError):
        raise AudioError(
            "no_portaudio",
            "The microphone cannot be used: the PortAudio library is missing.",
            "Install it (Debian, Ubuntu: apt install libportaudio2; Fedora: dnf install portaudio; "
            "macOS: brew install portaudio), or use a sound file.",
        ) from None


def input_devices() -> list[InputDevice]:
    """List the devices that can record."""
    sounddevice = portaudio()
    default = sounddevice.default.device[0]
    return [
        InputDevice(i, d["name"], d["max_input_channels"], round(d["default_samplerate"]), i == default)
        for i, d in enumerate(sounddevice.query_devices())
        if d["max_input_channels"] > 0
    ]


def found_devices() -> list[InputDevice]:
    """List the devices that can record.

    Raises:
        AudioError: there are none.
    """
    if devices := input_devices():
        return devices
    raise AudioError("no_microphone", "There is no microphone.", "Plug one in, or use a sound file.")


class Microphone:
    """Records at 16 kHz or, if the device refuses that, at its own rate; the gateway resamples."""

    def __init__(self, device: str | None = None, *, split: bool = False) -> None:
        """Choose a device and a format that it accepts.

        Args:
            device: index or part of the name; None takes the default.
            split: record two channels, each for itself.

        Raises:
            AudioError: there is no such device, or it cannot record in any usual way.
        """
        self._sounddevice = portaudio()
        self._device: int | str | None = int(device) if device and device.isdecimal() else device
        self._split = split
        found = self._query()
        self.name: str = found["name"]
        self.rate, self._channels = self._choose(found)
        """Hertz; to be declared in ``start``."""

    async def frames(self, stop: asyncio.Event, on_notice: Callable[[str], None]) -> AsyncIterator[bytes]:
        """Yield Int16 frames of 100 ms until ``stop`` is set; ``on_notice`` is called when a frame is lost.

        Raises:
            AudioError: the device went away.
        """
        loop = asyncio.get_running_loop()
        blocks: asyncio.Queue[Pcm | None] = asyncio.Queue(MOST_BLOCKS)
        downmix = Downmix(self.rate, self._channels)

        def offer(block: Pcm | None) -> None:
            if blocks.full():
                blocks.get_nowait()
                on_notice("this machine is too slow for its microphone: 0.1 s of audio is lost")
            blocks.put_nowait(block)

        def on_block(data: NDArray[np.int16], _frames: int, _time: Any, _status: Any) -> None:
            # A copy, because PortAudio reuses the memory.
            block = data.copy() if self._split else _mixed(downmix, data)
            loop.call_soon_threadsafe(offer, block)

        def on_end() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(offer, None)

        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: offer(None))
        try:
            with self._open(on_block, on_end):
                while (block := await blocks.get()) is not None:
                    yield encode_pcm(block)
        finally:
            stopping.cancel()
        if not stop.is_set():
            raise AudioError("microphone_lost", "The microphone has stopped.", "Is it still plugged in? Start again.")

    def _query(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._sounddevice.query_devices(self._device, "input")
        except (ValueError, self._sounddevice.PortAudioError):
            wanted = "no microphone" if self._device is None else f"no microphone {str(self._device)!r}"
            raise AudioError(
                "no_microphone", f"There is {wanted}.", "Plug one in, choose from --list-devices, or use a sound file."
            ) from None
        return found

    def _choose(self, device: dict[str, Any]) -> tuple[int, int]:
        """Return a sample rate in hertz and a number of channels that the device accepts."""
        own = round(device["default_samplerate"])
        for rate in dict.fromkeys((SAMPLE_RATE, own, 48_000, 44_100)):
            for channels in (2,) if self._split else (1, 2):
                if MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE and self._accepts(rate, channels):
                    return rate, channels
        wanted = "two channels of 16 bit audio" if self._split else "16 bit audio"
        raise AudioError(
            "microphone_refused",
            f"{device['name']} cannot record {wanted} at 16, 44.1 or 48 kHz, or another program uses it.",
            "Close other programs that record, or choose another device (--list-devices, --device).",
        )

    def _accepts(self, rate: int, channels: int) -> bool:
        try:
            self._sounddevice.check_input_settings(self._device, channels, "int16", samplerate=rate)
        except (ValueError, self._sounddevice.PortAudioError):
            return False
        return True

    def _open(self, on_block: Callable[..., None], on_end: Callable[[], None]) -> Any:
        try:
            return self._sounddevice.InputStream(
                samplerate=self.rate,
                blocksize=self.rate // BLOCKS_PER_S,
                device=self._device,
                channels=self._channels,
                dtype="int16",
                callback=on_block,
                finished_callback=on_end,
            )
        except self._sounddevice.PortAudioError as error:
            raise AudioError(
                "microphone_refused", f"The microphone cannot be opened: {error}.", "Close other programs that use it."
            ) from None


def _mixed(downmix: Downmix, data: NDArray[np.int16]) -> Pcm:
    return to_int16(downmix.mix(data.astype(np.float32) / np.float32(FULL_SCALE)))
