"""Audio that is no 16-bit PCM is recognised by what it is; no sound that is 16-bit PCM is taken for anything else."""

import io
import wave
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fastapi_service.api.audio_formats import BLOCK, FormatCheck
from wire.audio import Pcm, decode_pcm, encode_pcm

DATA = Path(__file__).parents[2] / "data"
CLIPS = ("jfk", "conversation", "rainbow", "de-klima", "fr-course", "lobster")
RATES = (8_000, 16_000, 48_000)
SECONDS = 3
Floats = NDArray[np.float64]


@cache
def clip(name: str, rate: int = 16_000) -> Floats:
    """The beginning of a recording, in −1…1."""
    with wave.open(str(DATA / f"{name}.wav")) as file:
        samples = decode_pcm(file.readframes(SECONDS * file.getframerate())).astype(np.float64) / 32_768
    resampled: Floats = soxr.resample(samples, 16_000, rate)
    return resampled


def pcm_of(samples: Floats) -> Pcm:
    return np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype("<i2")


def found(stream: bytes, size: int = 3_200) -> tuple[str | None, int]:
    """What is found, and in how many bytes, when a stream comes in messages of a size."""
    check = FormatCheck()
    for at in range(0, len(stream), size):
        if name := check.find(stream[at : at + size]):
            return name, at + size
    return None, len(stream)


def noise(samples: int, slope: float) -> Floats:
    """Of mean square 1: white, pink (1) or brown (2)."""
    spectrum = np.fft.rfft(np.random.default_rng(7).standard_normal(samples))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** (slope / 2)
    shaped: Floats = np.fft.irfft(spectrum, samples)
    return np.asarray(shaped / np.sqrt(np.mean(np.square(shaped))))


def sounds(rate: int) -> Iterator[tuple[str, Pcm]]:
    """Sounds of a second that no microphone gives, or a strange one."""
    count = rate
    time = np.arange(count) / rate
    yield "digital silence", np.zeros(count, dtype="<i2")
    yield "a constant", np.full(count, 13_000, dtype="<i2")
    yield "random bytes", np.random.default_rng(7).integers(-32_768, 32_768, count).astype("<i2")
    yield "clicks", np.where(np.arange(count) % 100 == 0, 20_000, 0).astype("<i2")
    yield "a chirp", pcm_of(np.sin(2 * np.pi * (50 + rate / 4 * time / 2) * time))
    for slope in (0, 1, 2):
        for level in (0.00003, 0.03, 1, 5):
            yield f"noise {slope} {level}", pcm_of(noise(count, slope) * level)
    for hertz in (50, 440, rate / 5, rate / 4, rate * 3 / 8, rate / 2 - 1):
        for amplitude in (20, 8_191, 16_000, 16_383, 17_000, 32_767):
            tone = amplitude * np.sin(2 * np.pi * hertz * time)
            yield f"tone {hertz} {amplitude}", np.rint(tone).astype("<i2")
            yield f"square {hertz} {amplitude}", np.where(tone >= 0, amplitude, -amplitude).astype("<i2")


def companded(pcm: Pcm) -> Pcm:
    """After a telephone line: µ-law of 8 bits."""
    values = pcm.astype(np.int32)
    magnitude = np.minimum(np.abs(values), 32_635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    decoded = ((((magnitude >> (exponent + 3) & 15) << 3) + 132) << exponent) - 132
    return np.asarray(np.where(values < 0, -decoded, decoded), dtype="<i2")


WORN: dict[str, Callable[[Pcm], Pcm]] = {
    "as it is": lambda pcm: pcm,
    "companded": companded,
    "of 8 bits": lambda pcm: (pcm >> 8 << 8).astype("<i2"),
    "of 12 bits": lambda pcm: (pcm >> 4 << 4).astype("<i2"),
    "clipped and turned down": lambda pcm: np.clip(pcm, -8_192, 8_191).astype("<i2"),
    "at half the volume": lambda pcm: (pcm * 0.5).astype("<i2"),
}


@pytest.mark.parametrize("worn", WORN)
@pytest.mark.parametrize("rate", RATES)
def test_speech_is_never_refused(rate: int, worn: str) -> None:
    """From −60 dB to clipping beyond recognition, and after what lines and converters do to it."""
    for name in CLIPS:
        for level_db in (-50, -20, 0, 20, 50):
            pcm = WORN[worn](pcm_of(clip(name, rate) * 10 ** (level_db / 20)))
            assert found(encode_pcm(pcm))[0] is None, (name, level_db)


@pytest.mark.parametrize("worn", ["as it is", "companded", "of 8 bits", "of 12 bits"])
@pytest.mark.parametrize("rate", RATES)
def test_silence_noise_and_tones_are_never_refused(rate: int, worn: str) -> None:
    """Whatever a test signal is made of."""
    for name, pcm in sounds(rate):
        assert found(encode_pcm(WORN[worn](pcm)))[0] is None, name


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(CLIPS), st.lists(st.integers(1, 5_000), min_size=1, max_size=5), st.floats(-40, 20))
def test_the_verdict_does_not_depend_on_the_messages(name: str, sizes: list[int], level_db: float) -> None:
    """Frames of 2 bytes or of 10,000: the same is found, or nothing."""
    samples = clip(name)[:32_000] * 10 ** (level_db / 20)
    for stream in (encode_pcm(pcm_of(samples)), samples.astype("<f4").tobytes(), pcm_of(samples).byteswap().tobytes()):
        check, at, verdict = FormatCheck(), 0, None
        while at < len(stream) and verdict is None:
            size = 2 * sizes[at % len(sizes)]
            verdict = check.find(stream[at : at + size])
            at += size
        assert verdict == found(stream)[0]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("<f4", "32-bit floating-point samples (little-endian)"),
        (">f4", "32-bit floating-point samples (big-endian)"),
        ("<f8", "64-bit floating-point samples (little-endian)"),
        (">f8", "64-bit floating-point samples (big-endian)"),
        (">i2", "16-bit PCM in the wrong byte order (big-endian)"),
    ],
)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("level_db", [-20, 0])
def test_samples_of_another_kind_are_recognised(code: str, name: str, rate: int, level_db: int) -> None:
    """Floating-point numbers by any sound, in a quarter of a second; the byte order as the voice sets in."""
    seconds = []
    for speech in CLIPS:
        samples = clip(speech, rate) * 10 ** (level_db / 20)
        stream = (pcm_of(samples) if code == ">i2" else samples).astype(code).tobytes()
        verdict, size = found(stream)
        assert verdict == name, speech
        seconds.append(size / rate / np.dtype(code).itemsize)
    assert max(seconds) < (2 if code == ">i2" else 0.25 + BLOCK / rate)


@pytest.mark.parametrize("skipped", [0, 2, 6])
def test_floating_point_numbers_are_recognised_wherever_the_stream_begins(skipped: int) -> None:
    """Also those that 16-bit samples were converted to, and a stream that begins inside a number."""
    for samples in (clip("jfk"), pcm_of(clip("jfk")) / 32_768):
        for code in ("<f4", ">f4"):
            assert str(found(samples.astype(code).tobytes()[skipped:])[0]).startswith("32-bit floating-point")


WEBM = bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104428581021853806701ffffffffffffff")
FRAGMENTED_MP4 = bytes.fromhex("0000001c6674797069736f350000020069736f3569736f366d703431")


def written(kind: str, subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, clip("jfk"), 16_000, subtype, format=kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("begin", "kind"),
    [
        (lambda: WEBM, "WebM"),
        (lambda: FRAGMENTED_MP4, "MP4"),
        (lambda: written("OGG", "OPUS"), "Ogg"),
        (lambda: written("OGG", "VORBIS"), "Ogg"),
        (lambda: written("FLAC"), "FLAC"),
        (lambda: written("MP3"), "MP3"),
        (lambda: b"ID3\4\0\0\0\0\0\0" + written("MP3"), "MP3"),
        (lambda: written("WAV", "PCM_16"), "WAV"),
        (lambda: written("AIFF"), "AIFF"),
        (lambda: written("AU"), "AU"),
        (lambda: written("CAF"), "CAF"),
    ],
)
@pytest.mark.parametrize("size", [2, 320, 3_200, 65_536])
def test_files_are_recognised_in_their_first_bytes(begin: Callable[[], bytes], kind: str, size: int) -> None:
    """However small the messages are; all of it is in a tenth of a second of PCM."""
    verdict, read = found(begin(), size)
    assert kind in str(verdict)
    assert read <= max(3_200, size)
