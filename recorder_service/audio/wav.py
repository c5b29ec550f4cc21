"""Reads WAV files of any usual format as Int16, 16 kHz, mono."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from wire.audio import SAMPLE_RATE, Pcm, Samples, to_int16
from wire.errors import AudioError

_PCM, _FLOAT, _EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
_KINDS = {
    (_PCM, 8): "u1",
    (_PCM, 16): "<i2",
    (_PCM, 24): "u1",  # three bytes a sample
    (_PCM, 32): "<i4",
    (_FLOAT, 32): "<f4",
    (_FLOAT, 64): "<f8",
}
_LOWEST_RATE, _HIGHEST_RATE = 1_000, 768_000
"""Hertz; a rate beyond these means a damaged header."""
_MOST_CHANNELS = 64
_CONVERT = "Convert it, for example: ffmpeg -i INPUT -ac 1 -ar 16000 -c:a pcm_s16le OUTPUT.wav"


@dataclass(frozen=True)
class _Format:
    tag: int
    channels: int
    rate: int
    """Hertz."""
    bits: int
    """Per sample and channel."""


def read_wav(path: Path) -> Pcm:
    """Read a recording as Int16, 16 kHz, mono: channels are averaged, other rates are resampled.

    A truncated file is read as far as it goes.

    Raises:
        AudioError: the file is missing, not a WAV file, of an unknown format, or empty.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise AudioError("wav_missing", f"There is no file {path}.", "Correct the path after --file.") from None
    except OSError as error:
        raise AudioError(
            "wav_unreadable", f"{path} cannot be read: {error.strerror}.", "Give a file that you may read."
        ) from None
    form, data = _parse(content, path)
    samples = to_mono_16k(_decode(data, form), form.rate)
    if not len(samples):
        raise AudioError("wav_empty", f"{path} holds no audio.", "Give a WAV file with at least one sample.")
    return to_int16(samples)


def to_mono_16k(samples: Samples, rate: int) -> Samples:
    """Average and resample (samples, channels) at ``rate`` hertz to ⌈samples × 16,000 / rate⌉ samples."""
    mono: Samples = samples.mean(axis=1, dtype=np.float32)
    if rate == SAMPLE_RATE or not len(mono):
        return mono
    common = gcd(rate, SAMPLE_RATE)
    return np.asarray(resample_poly(mono, SAMPLE_RATE // common, rate // common), dtype=np.float32)


def _parse(content: bytes, path: Path) -> tuple[_Format, bytes]:
    """Return the format and the bytes of the samples."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise AudioError("not_wav", f"{path} is not a WAV file.", _CONVERT)
    form = None
    for name, body in _chunks(content):
        if name == b"fmt ":
            form = _format(body, path)
        elif name == b"data" and form is not None:
            return form, body
    raise AudioError("not_wav", f"{path} is not a whole WAV file: it has no format or no data.", _CONVERT)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and body of each chunk of a RIFF file."""
    at = 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        yield name, content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _format(body: bytes, path: Path) -> _Format:
    if len(body) < 16:
        raise AudioError("not_wav", f"{path} is not a whole WAV file: its format is cut off.", _CONVERT)
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack_from("<H", body, 24)
    usual = 1 <= channels <= _MOST_CHANNELS and _LOWEST_RATE <= rate <= _HIGHEST_RATE
    if (tag, bits) not in _KINDS or not usual:
        raise AudioError(
            "wav_format",
            f"{path} holds audio of a kind that is not read here (format {tag:#06x}, {bits} bit, {channels} channels, "
            f"{rate} Hz).",
            _CONVERT,
        )
    return _Format(tag, channels, rate, bits)


def _decode(data: bytes, form: _Format) -> Samples:
    """Decode to (samples, channels) in −1…1; an incomplete sample at the end is left out."""
    frame = form.channels * form.bits // 8
    data = data[: len(data) // frame * frame]
    numbers: NDArray[np.generic] = np.frombuffer(data, dtype=_KINDS[form.tag, form.bits])
    if form.tag == _FLOAT:
        samples = np.nan_to_num(numbers.astype(np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
    elif form.bits == 8:
        samples = (numbers.astype(np.float32) - 128.0) / 128.0
    elif form.bits == 24:
        wide = np.zeros((len(numbers) // 3, 4), dtype=np.uint8)
        wide[:, 1:] = numbers.reshape(-1, 3)
        samples = wide.view("<i4").reshape(-1).astype(np.float32) / 2.0**31
    else:
        samples = numbers.astype(np.float32) / 2.0 ** (form.bits - 1)
    return samples.reshape(-1, form.channels)
