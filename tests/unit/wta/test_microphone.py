"""The microphone, played by a sounddevice module that takes what the test says."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wire.audio import decode_pcm
from wire.errors import AudioError
from wta.audio.microphone import Microphone, input_devices


class PortAudioError(Exception):
    pass


@dataclass
class FakeSoundDevice:
    """Stands in for the module ``sounddevice``."""

    PortAudioError = PortAudioError
    accepted: set[tuple[int, int]]
    """Rates in hertz and channels."""
    blocks: list[np.ndarray] = field(default_factory=list)
    """What an opened stream delivers."""
    preferred_rate: float = 44_100.0
    unplugged: bool = False
    """The stream ends after its blocks."""
    default = SimpleNamespace(device=(1, 0))

    def query_devices(self, device: object = None, kind: str | None = None) -> Any:
        devices = [
            {"name": "Speaker", "max_input_channels": 0, "default_samplerate": 48_000.0},
            {"name": "Desk microphone", "max_input_channels": 2, "default_samplerate": self.preferred_rate},
        ]
        if kind is None:
            return devices
        if device not in (None, 1, "Desk"):
            raise ValueError("No input device matching")
        if not self.accepted:
            raise PortAudioError("Error querying device -1")
        return devices[1]

    def check_input_settings(self, _device: object, channels: int, _dtype: str, samplerate: int) -> None:
        if (samplerate, channels) not in self.accepted:
            raise PortAudioError("Invalid sample rate")

    def InputStream(self, callback: Callable[..., None], finished_callback: Callable[[], None], **options: Any) -> Any:
        return FakeStream(self, callback, finished_callback, options)


class FakeStream:
    def __init__(
        self,
        module: FakeSoundDevice,
        callback: Callable[..., None],
        finished: Callable[[], None],
        options: dict[str, Any],
    ) -> None:
        self._module, self._callback, self._finished, self._options = module, callback, finished, options

    def __enter__(self) -> None:
        assert (self._options["samplerate"], self._options["channels"]) in self._module.accepted
        for block in self._module.blocks:
            self._callback(block, len(block), None, None)
        if self._module.unplugged:
            self._finished()

    def __exit__(self, *_: object) -> None:
        self._finished()


def install(monkeypatch: pytest.MonkeyPatch, module: FakeSoundDevice | None) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", module)


async def record(microphone: Microphone, frames: int) -> tuple[list[bytes], list[str]]:
    """So many frames, then stop; and what was noticed."""
    stop = asyncio.Event()
    notices: list[str] = []
    heard: list[bytes] = []
    async for frame in microphone.frames(stop, notices.append):
        heard.append(frame)
        if len(heard) == frames:
            stop.set()
    return heard, notices


def test_16_khz_mono_is_taken_where_it_is_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has to be resampled then."""
    install(monkeypatch, FakeSoundDevice(accepted={(16_000, 1), (44_100, 2)}))
    assert Microphone("Desk").rate == 16_000


def test_a_device_that_refuses_16_khz_records_at_its_own_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway resamples what the session declares."""
    install(monkeypatch, FakeSoundDevice(accepted={(44_100, 2)}))
    assert Microphone("1").rate == 44_100


def test_a_rate_that_the_gateway_refuses_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A studio interface that prefers 96 kHz is opened at 48 kHz."""
    install(monkeypatch, FakeSoundDevice(accepted={(96_000, 1), (48_000, 1)}, preferred_rate=96_000.0))
    assert Microphone().rate == 48_000


@pytest.mark.parametrize(
    ("module", "device", "code"),
    [
        (None, None, "no_portaudio"),
        (FakeSoundDevice(accepted=set()), None, "no_microphone"),
        (FakeSoundDevice(accepted={(16_000, 1)}), "Kitchen", "no_microphone"),
        (FakeSoundDevice(accepted={(192_000, 1)}), None, "microphone_refused"),
    ],
)
def test_what_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, module: FakeSoundDevice | None, device: str | None, code: str
) -> None:
    """No library, no microphone, another name, an impossible device: each has its own words and remedy."""
    install(monkeypatch, module)
    with pytest.raises(AudioError) as refused:
        Microphone(device)
    assert refused.value.code == code
    assert refused.value.remedy


async def test_stereo_blocks_become_mono_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, each the mean of its channels."""
    blocks = [np.full((4_410, 2), (level, 3 * level), dtype=np.int16) for level in (1, 100)]
    install(monkeypatch, FakeSoundDevice(accepted={(44_100, 2)}, blocks=blocks))
    frames, notices = await record(Microphone(), frames=2)
    assert [set(decode_pcm(frame).tolist()) for frame in frames] == [{2}, {200}]
    assert [len(frame) for frame in frames] == [8_820, 8_820]
    assert notices == []


@pytest.mark.parametrize("levels", [(1_000, -1_000), (900, -1_000), (-700, 1_000)])
async def test_an_inverted_channel_of_a_microphone_is_no_silence(
    monkeypatch: pytest.MonkeyPatch, levels: tuple[int, int]
) -> None:
    """The louder one is taken, and kept."""
    blocks = [np.full((4_410, 2), levels, dtype=np.int16) for _ in range(3)]
    install(monkeypatch, FakeSoundDevice(accepted={(44_100, 2)}, blocks=blocks))
    frames, _ = await record(Microphone(), frames=3)
    assert [set(decode_pcm(frame).tolist()) for frame in frames[1:]] == [{max(levels, key=abs)}] * 2


async def test_blocks_that_nobody_takes_are_dropped_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go first, and memory stays bounded."""
    blocks = [np.full((1_600, 1), number, dtype=np.int16) for number in range(103)]
    install(monkeypatch, FakeSoundDevice(accepted={(16_000, 1)}, blocks=blocks))
    frames, notices = await record(Microphone(), frames=100)
    assert decode_pcm(frames[0])[0] == 3
    assert len(notices) == 3


async def test_a_microphone_that_is_unplugged_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session ends with what was recorded, and the reason is shown."""
    blocks = [np.zeros((1_600, 1), dtype=np.int16)]
    install(monkeypatch, FakeSoundDevice(accepted={(16_000, 1)}, blocks=blocks, unplugged=True))
    frames = Microphone().frames(asyncio.Event(), print)
    assert len(await anext(frames)) == 3_200
    with pytest.raises(AudioError) as lost:
        await anext(frames)
    assert lost.value.code == "microphone_lost"


def test_only_what_can_record_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speakers are left out, the default is marked, and the number is what --device takes."""
    install(monkeypatch, FakeSoundDevice(accepted={(16_000, 1)}))
    (device,) = input_devices()
    assert (device.index, device.name, device.is_default) == (1, "Desk microphone", True)
