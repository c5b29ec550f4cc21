"""The recorder reads the sound files that people have, and says of others what they are."""

import io
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from infra.sound.sound_file import SoundFile
from wire.audio import SAMPLE_RATE, Pcm, to_float
from wire.errors import AudioError


def tone(rate: int = SAMPLE_RATE, seconds: float = 1.0, hertz: int = 440) -> np.ndarray:
    """A sine of half the full scale."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


def read(path: Path) -> Pcm:
    return np.concatenate(list(SoundFile(path).blocks()))


def loudness(pcm: Pcm) -> float:
    return float(np.sqrt(np.mean(to_float(pcm) ** 2)))


def patched(path: Path, *fields: tuple[int, int]) -> Path:
    """Overwrite 32-bit fields of a file: (offset, value)."""
    content = bytearray(path.read_bytes())
    for at, value in fields:
        struct.pack_into("<I", content, at, value)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("container", "kind"),
    [
        ("WAV", "ULAW"),
        ("WAV", "ALAW"),
        ("WAV", "MS_ADPCM"),
        ("RF64", "PCM_16"),
        ("W64", "PCM_24"),
        ("AIFF", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("FLAC", "PCM_24"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_kind_of_file_is_read(tmp_path: Path, container: str, kind: str, channels: int) -> None:
    """With its length and its loudness."""
    samples = np.repeat(tone()[:, None], channels, axis=1)
    soundfile.write(tmp_path / "a.bin", samples, SAMPLE_RATE, format=container, subtype=kind)
    sound = SoundFile(tmp_path / "a.bin")
    pcm = np.concatenate(list(sound.blocks()))
    assert sound.seconds is not None
    assert abs(sound.seconds - 1) < 0.1
    assert abs(len(pcm) - SAMPLE_RATE) < SAMPLE_RATE / 10
    assert abs(loudness(pcm[1_000:-1_000]) - 0.5 / np.sqrt(2)) < 0.02


@pytest.mark.parametrize("kind", ["ULAW", "ALAW", "PCM_16"])
@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 0x7FFF_F000])
def test_wav_of_unknown_length_is_read_to_its_end(tmp_path: Path, kind: str, size: int) -> None:
    """What writes into a pipe cannot go back to its header."""
    soundfile.write(tmp_path / "a.wav", tone(8_000), 8_000, subtype=kind)
    whole = read(tmp_path / "a.wav")
    at = (tmp_path / "a.wav").read_bytes().index(b"data") + 4
    for riff in (size, 0):
        assert np.array_equal(read(patched(tmp_path / "a.wav", (4, riff), (at, size))), whole)


@pytest.mark.parametrize("size", [0, 2_000])
@pytest.mark.parametrize("padding", [b"", b"\0"], ids=["unpadded", "padded"])
@pytest.mark.parametrize("at", [12, 36], ids=["before-format", "before-data"])
def test_odd_chunks_are_passed_over(tmp_path: Path, at: int, padding: bytes, size: int) -> None:
    """Many programs forget the byte of padding after a chunk of odd length."""
    samples = np.arange(1_000, dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", samples, SAMPLE_RATE)
    content = (tmp_path / "a.wav").read_bytes()
    chunk = b"LIST" + struct.pack("<I", 5) + b"INFOx" + padding
    (tmp_path / "a.wav").write_bytes(content[:at] + chunk + content[at:40] + struct.pack("<I", size) + content[44:])
    assert np.array_equal(read(tmp_path / "a.wav"), samples)


def test_chunk_after_no_samples_is_no_sound(tmp_path: Path) -> None:
    """A length of 0 is true if only other chunks follow."""
    soundfile.write(tmp_path / "a.wav", np.zeros(0, dtype=np.int16), SAMPLE_RATE)
    with (tmp_path / "a.wav").open("ab") as file:
        file.write(b"LIST" + struct.pack("<I", 4) + b"INFO")
    with pytest.raises(AudioError) as refused:
        SoundFile(tmp_path / "a.wav")
    assert refused.value.code == "wav_empty"


@pytest.mark.parametrize("gains", [(1, -1), (1, -0.8), (-0.7, 1), (1, -1, 0.5, -0.5)])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_channels_that_cancel_each_other_out_are_not_added(tmp_path: Path, rate: int, gains: tuple[float, ...]) -> None:
    """The loudest one is taken."""
    samples = tone(rate, 2.5)[:, None] * np.array(gains)
    soundfile.write(tmp_path / "a.wav", samples, rate, subtype="FLOAT")
    assert abs(loudness(read(tmp_path / "a.wav")) - 0.5 / np.sqrt(2)) < 0.01


@pytest.mark.parametrize("gains", [(1, 1), (1, 0), (1, 0.5), (1, -0.2)])
def test_other_channels_are_averaged(tmp_path: Path, gains: tuple[float, ...]) -> None:
    """Also where one of them is weak, or silent."""
    soundfile.write(tmp_path / "a.wav", tone()[:, None] * np.array(gains), SAMPLE_RATE, subtype="FLOAT")
    assert abs(loudness(read(tmp_path / "a.wav")) - 0.5 / np.sqrt(2) * sum(gains) / len(gains)) < 0.01


def test_blocks_have_no_seams(tmp_path: Path) -> None:
    """A resampled tone of several blocks is a tone all along."""
    soundfile.write(tmp_path / "a.wav", tone(44_100, 3.5), 44_100, subtype="FLOAT")
    pcm = to_float(read(tmp_path / "a.wav"))
    assert len(pcm) == 3.5 * SAMPLE_RATE
    assert np.abs(pcm - tone(SAMPLE_RATE, 3.5))[200:-200].max() < 0.001


def test_long_file_takes_little_memory(tmp_path: Path) -> None:
    """A minute in stereo is 23 MB of samples."""
    rate = 48_000
    with soundfile.SoundFile(tmp_path / "a.flac", "w", rate, 2, format="FLAC") as file:
        for _ in range(60):
            file.write(np.zeros((rate, 2), dtype=np.int16))
    tracemalloc.start()
    try:
        count = sum(len(block) for block in SoundFile(tmp_path / "a.flac").blocks())
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
    assert count == 60 * SAMPLE_RATE


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"Dear all,\nhere is the recording.\n", "is a text file"),
        ("안녕하세요. ".encode() * 1_000, "is a text file"),
        ("\ufeffHello".encode("utf-16-le"), "is a text file"),
        (b"\0\0\0\x20ftypM4A " + bytes(100), "an MP4 or M4A file"),
        (b"\x1aE\xdf\xa3" + bytes(100), "a WebM or Matroska file"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01", "is cut off or damaged"),
        (b"fLaC\0\0\0\x22" + bytes(10), "is cut off or damaged"),
        (bytes(range(256)) * 10, "is no sound file"),
    ],
)
def test_what_is_no_sound_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    """The reason, and a way to convert it."""
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(AudioError, match=message) as refused:
        SoundFile(tmp_path / "a.wav")
    assert refused.value.code == "not_wav"
    assert "ffmpeg" in refused.value.remedy


@pytest.mark.parametrize(("container", "kind"), [("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS")])
def test_file_that_breaks_off_is_an_error(tmp_path: Path, container: str, kind: str) -> None:
    """After the samples before it."""
    noise = np.random.default_rng(1).normal(0, 0.1, SAMPLE_RATE * 10)
    soundfile.write(tmp_path / "a.bin", noise, SAMPLE_RATE, format=container, subtype=kind)
    content = (tmp_path / "a.bin").read_bytes()
    (tmp_path / "a.bin").write_bytes(content[: len(content) // 2])
    blocks: list[Pcm] = []
    with pytest.raises(AudioError, match="breaks off") as refused:
        blocks.extend(SoundFile(tmp_path / "a.bin").blocks())
    assert refused.value.code == "file_truncated"
    assert 3 * SAMPLE_RATE <= sum(map(len, blocks)) <= 6 * SAMPLE_RATE


@pytest.mark.parametrize("seconds", [0.5, 1.0, 3.5])
def test_flac_of_unknown_length_is_read_to_its_end(tmp_path: Path, seconds: float) -> None:
    """As encoders write it to a pipe: its header has no number of samples."""
    path = tmp_path / "piped.flac"
    soundfile.write(path, np.sin(np.arange(int(seconds * SAMPLE_RATE)) / 20) / 3, SAMPLE_RATE)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the 36 bits of STREAMINFO that count the samples
    content[22:26] = bytes(4)
    path.write_bytes(content)
    sound = SoundFile(path)
    assert sound.seconds is None
    assert sum(map(len, sound.blocks())) == int(seconds * SAMPLE_RATE)


def mp3(seconds: float, rate: int = 44_100, mode: str = "VARIABLE") -> bytes:
    """Return an MP3 file that is quiet in its first half and loud in its second: estimates of its length are wrong."""
    noise = np.random.default_rng(0).standard_normal(round(seconds * rate)) * 0.2
    noise[: len(noise) // 2] *= 0.0005
    file = io.BytesIO()
    soundfile.write(file, noise, rate, format="MP3", bitrate_mode=mode, compression_level=0.3)
    return file.getvalue()


def without_length(content: bytes) -> bytes:
    """Remove the first frame of an MP3 file, which holds the header of its length."""
    at = content.index(b"\xff\xfb", 4)
    assert any(name in content[:at] for name in (b"Xing", b"Info"))
    return content[at:]


ID3 = b"ID3\x03\0\0\0\x04\0\0" + bytes(4 << 14)
"""A tag of 64 KB before a recording, as one with a picture of the cover."""
JOINED: dict[str, tuple[bytes, float]] = {
    "variable without its length": (without_length(mp3(20)), 20),
    "constant without its length": (without_length(mp3(20, mode="CONSTANT")), 20),
    "two": (mp3(10) * 2, 20),
    "three": (mp3(5) * 3, 15),
    "two without their length": (without_length(mp3(10)) * 2, 20),
    "the first with its length": (mp3(10) + without_length(mp3(10)), 20),
    "two with pictures": (ID3 + mp3(10) + ID3 + mp3(10), 20),
    "other rates": (mp3(10) + mp3(10, 32_000), 20),
    "a tag at the end": (mp3(10) + b"APETAGEX" + b"picture" * 5_000, 10),
    "padding at the end": (mp3(10) + bytes(20_000), 10),
}


@pytest.mark.parametrize("name", JOINED)
def test_mp3_is_read_to_its_end_whatever_length_it_says(tmp_path: Path, name: str) -> None:
    """Without a header of the length libsndfile estimates it; of joined files it reads the first."""
    content, seconds = JOINED[name]
    (tmp_path / "a.mp3").write_bytes(content)
    pcm = read(tmp_path / "a.mp3")
    assert len(pcm) / SAMPLE_RATE == pytest.approx(seconds, abs=0.2)
    assert loudness(pcm[-SAMPLE_RATE:]) > 0.1


def test_mp3_without_its_length_says_none(tmp_path: Path) -> None:
    """An estimate could be ten times too long."""
    (tmp_path / "a.mp3").write_bytes(without_length(mp3(5)))
    assert SoundFile(tmp_path / "a.mp3").seconds is None


def test_mp3_with_something_else_behind_it_is_an_error(tmp_path: Path) -> None:
    """The recording before it is read."""
    (tmp_path / "a.mp3").write_bytes(mp3(5) + np.random.default_rng(0).bytes(50_000).replace(b"\xff", b"\xfe"))
    got: list[Pcm] = []
    with pytest.raises(AudioError) as refused:
        got.extend(SoundFile(tmp_path / "a.mp3").blocks())
    assert refused.value.code == "file_truncated"
    assert len(np.concatenate(got)) / SAMPLE_RATE == pytest.approx(5, abs=0.2)


@pytest.mark.parametrize(("rate", "channels"), [(768_000, 8), (384_000, 32), (768_000, 64)])
def test_rate_and_channels_take_no_more_memory(tmp_path: Path, rate: int, channels: int) -> None:
    """A second of them would be 25 MB and more."""
    seconds = 24_000_000 // (rate * channels) or 1
    soundfile.write(tmp_path / "a.wav", np.zeros((rate * seconds, channels), np.int8).astype(np.int16), rate, "PCM_U8")
    tracemalloc.start()
    samples = sum(len(block) for block in SoundFile(tmp_path / "a.wav").blocks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert samples == SAMPLE_RATE * seconds
    assert peak < 24_000_000
