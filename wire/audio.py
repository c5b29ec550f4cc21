"""The audio format inside the system, and conversions from and to it."""

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Hertz."""
SAMPLE_BYTES = 2
"""Bytes per sample: Int16, little-endian, mono."""
MIN_SAMPLE_RATE = 8_000
"""Hertz, of audio from clients."""
MAX_SAMPLE_RATE = 48_000
"""Hertz, of audio from clients."""

Pcm = NDArray[np.int16]
"""Shape (samples,), full scale ±32,768."""
Samples = NDArray[np.float32]
"""Shape (samples,), full scale ±1."""


def decode_pcm(data: bytes) -> Pcm:
    """Decode little-endian Int16 bytes.

    Raises:
        ValueError: the number of bytes is odd.
    """
    return np.frombuffer(data, dtype="<i2")


def encode_pcm(pcm: Pcm) -> bytes:
    """Encode samples as little-endian Int16 bytes."""
    return pcm.astype("<i2", copy=False).tobytes()


def to_float(pcm: Pcm) -> Samples:
    """Convert Int16 to float32 in [−1, 1)."""
    return pcm.astype(np.float32) / 32_768.0


def to_int16(samples: Samples) -> Pcm:
    """Convert float32 to Int16. Values outside [−1, 1) are clipped."""
    pcm: Pcm = np.clip(np.rint(samples * 32_768.0), -32_768, 32_767).astype(np.int16)
    return pcm


def ms_to_samples(ms: int) -> int:
    """Convert milliseconds to samples at 16 kHz, rounded down."""
    return ms * SAMPLE_RATE // 1000


def samples_to_ms(samples: int) -> int:
    """Convert samples at 16 kHz to milliseconds, rounded down."""
    return samples * 1000 // SAMPLE_RATE
