"""The device that records the sound that this machine plays."""

import os
import sys

from wire.errors import AudioError
from wta.audio.microphone import input_devices

NAMES = ("monitor of", ".monitor", "loopback", "blackhole", "stereo mix", "vb-audio", "soundflower")
"""Parts of names of devices that record what is played: PulseAudio's, and common virtual ones of other systems."""
PULSE = "pulse"
"""Device of ALSA that PulseAudio and PipeWire offer; it records the source that PULSE_SOURCE names."""
MONITOR = "@DEFAULT_MONITOR@"


def system_device() -> str:
    """Return the number of the device that records what this machine plays.

    Raises:
        AudioError: there is none.
    """
    devices = input_devices()
    for device in devices:
        if any(name in device.name.lower() for name in NAMES):
            return str(device.index)
    if sys.platform == "linux":
        for device in devices:
            if device.name == PULSE:
                os.environ["PULSE_SOURCE"] = MONITOR  # before PortAudio opens the device
                return str(device.index)
    raise AudioError(
        "no_system_sound",
        "No device here records what this machine plays.",
        "Linux: PulseAudio or PipeWire with its ALSA plugin; macOS: BlackHole; Windows: Stereo Mix or VB-Cable.",
    )
