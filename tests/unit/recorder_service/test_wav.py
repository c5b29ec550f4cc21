"""WAV files of any usual kind become 16 kHz mono without losing length, pitch or loudness."""

import struct
from math import ceil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from infra.sound.sound_file import SoundFile
from wire.audio import SAMPLE_RATE, Pcm, to_float
from wire.errors import AudioError

TONE_HZ = 440


def tone(rate: int, seconds: float = 0.5, level: float = 0.5) -> np.ndarray:
    """A sine of 440 Hz."""
    return level * np.sin(2 * np.pi * TONE_HZ * np.arange(round(rate * seconds)) / rate)


def read_wav(path: Path) -> Pcm:
    """All samples of a file."""
    return np.concatenate(list(SoundFile(path).blocks()))


def loudest_hz(pcm: Pcm) -> float:
    """The frequency of the strongest spectral line."""
    spectrum = np.abs(np.fft.rfft(to_float(pcm) * np.hanning(len(pcm))))
    return float(np.argmax(spectrum) * SAMPLE_RATE / len(pcm))


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_every_rate_keeps_length_and_pitch(tmp_path: Path, rate: int) -> None:
    """Exactly as many samples as the time needs at 16 kHz, and the tone stays where it was."""
    recording = tone(rate)
    soundfile.write(tmp_path / "a.wav", recording, rate)
    pcm = read_wav(tmp_path / "a.wav")
    assert pcm.dtype == np.int16
    assert len(pcm) == ceil(len(recording) * SAMPLE_RATE / rate)
    assert abs(loudest_hz(pcm) - TONE_HZ) <= 2
    assert abs(float(np.abs(to_float(pcm)[1_000:-1_000]).max()) - 0.5) < 0.01


@pytest.mark.parametrize("container", ["WAV", "WAVEX"])
@pytest.mark.parametrize("kind", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_every_width_keeps_the_wave(tmp_path: Path, kind: str, container: str) -> None:
    """What is read differs from what was written by no more than the width's own rounding."""
    recording = tone(SAMPLE_RATE)
    soundfile.write(tmp_path / "a.wav", recording, SAMPLE_RATE, subtype=kind, format=container)
    error = np.abs(to_float(read_wav(tmp_path / "a.wav")) - recording).max()
    assert error <= (1 / 128 if kind == "PCM_U8" else 2 / 32_768)


def test_16_khz_mono_16_bit_is_unchanged(tmp_path: Path) -> None:
    """The format of the pipeline passes bit by bit, extremes included."""
    pcm = np.array([-32_768, -1, 0, 1, 32_767] * 100, dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", pcm, SAMPLE_RATE)
    assert np.array_equal(read_wav(tmp_path / "a.wav"), pcm)


def test_channels_are_averaged(tmp_path: Path) -> None:
    """A voice on the left channel only comes out at half its loudness, not cut off or doubled."""
    left = tone(SAMPLE_RATE)
    soundfile.write(tmp_path / "a.wav", np.stack([left, np.zeros_like(left)], axis=1), SAMPLE_RATE)
    assert np.abs(to_float(read_wav(tmp_path / "a.wav")) - left / 2).max() <= 2 / 32_768


def test_float_beyond_full_scale_is_clipped(tmp_path: Path) -> None:
    """Too loud, infinite and undefined samples become the loudest and silence, never a wrap-around."""
    samples = np.array([2.0, -2.0, np.inf, np.nan], dtype=np.float32)
    soundfile.write(tmp_path / "a.wav", samples, SAMPLE_RATE, subtype="FLOAT")
    assert list(read_wav(tmp_path / "a.wav")) == [32_767, -32_768, 32_767, 0]


@pytest.mark.parametrize("size", [None, 0xFFFF_FFFF])
def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path, size: int | None) -> None:
    """A missing end, or a size that a recorder on a pipe could not know, costs nothing but what is missing."""
    soundfile.write(tmp_path / "a.wav", np.arange(1_000, dtype=np.int16), SAMPLE_RATE)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    if size is not None:
        struct.pack_into("<I", content, 40, size)
    (tmp_path / "a.wav").write_bytes(content[: 44 + 501])  # 250 samples and half of one
    assert list(read_wav(tmp_path / "a.wav")) == list(range(250))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The error says which path was tried."""
    with pytest.raises(AudioError, match=r"nowhere\.wav") as refused:
        read_wav(tmp_path / "nowhere.wav")
    assert refused.value.code == "wav_missing"


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    """What cannot be read ends in words, not in an OSError."""
    with pytest.raises(AudioError) as refused:
        read_wav(tmp_path)
    assert refused.value.code == "wav_unreadable"


@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF", b"OggS" + bytes(100), b"RIFF\x64\0\0\0AVI " + bytes(100), b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01"],
)
def test_what_is_not_a_wav_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Other formats, fragments and empty files are told apart from audio, with a way to convert them."""
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(AudioError) as refused:
        read_wav(tmp_path / "a.wav")
    assert refused.value.code == "not_wav"
    assert "ffmpeg" in refused.value.remedy


@pytest.mark.parametrize(
    ("tag", "channels", "rate", "bits"),
    [(1, 1, 16_000, 12), (1, 0, 16_000, 16), (1, 1, 0, 16), (1, 1, 0xFFFF_FFFF, 16)],
)
def test_a_format_that_is_not_read_is_named(tmp_path: Path, tag: int, channels: int, rate: int, bits: int) -> None:
    """Odd widths and impossible headers are refused before any sample is touched."""
    form = struct.pack("<HHIIHH", tag, channels, rate, 0, 0, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", 4) + bytes(4)
    (tmp_path / "a.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    with pytest.raises(AudioError) as refused:
        read_wav(tmp_path / "a.wav")
    assert refused.value.code == "wav_format"


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    """An empty recording is an error here, before a session begins."""
    soundfile.write(tmp_path / "a.wav", np.zeros(0, dtype=np.int16), SAMPLE_RATE)
    with pytest.raises(AudioError) as refused:
        read_wav(tmp_path / "a.wav")
    assert refused.value.code == "wav_empty"
