"""The device that records what this machine plays."""

import os
import sys
from types import SimpleNamespace

import pytest

from wire.errors import AudioError
from wta.audio.system_sound import system_device


def install(monkeypatch: pytest.MonkeyPatch, *names: str, platform: str = "linux") -> None:
    devices = [{"name": name, "max_input_channels": 2, "default_samplerate": 48_000.0} for name in names]
    module = SimpleNamespace(query_devices=lambda: devices, default=SimpleNamespace(device=(0, 0)))
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delenv("PULSE_SOURCE", raising=False)


@pytest.mark.parametrize("name", ["Monitor of Built-in Audio", "BlackHole 2ch", "Stereo Mix (Realtek)"])
def test_a_device_that_records_what_is_played_is_chosen(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """By its name, on any system."""
    install(monkeypatch, "Microphone", name, platform="any")
    assert system_device() == "1"
    assert "PULSE_SOURCE" not in os.environ


def test_pulse_records_its_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    """ALSA lists no monitors; its plugin takes the name of one from the environment."""
    install(monkeypatch, "hw:0", "default", "pulse")
    monkeypatch.setenv("PULSE_SOURCE", "microphone")
    assert system_device() == "2"
    assert os.environ["PULSE_SOURCE"] == "@DEFAULT_MONITOR@"


def test_without_such_a_device_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "Microphone", "pulse", platform="darwin")
    with pytest.raises(AudioError, match="BlackHole") as refused:
        system_device()
    assert refused.value.code == "no_system_sound"
