"""The header of a WAV stream, in pieces."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.sound.wav_stream import WavForm, WavStream
from tests.support.wav_headers import header

SAMPLES = bytes(range(32))


def read(stream: bytes, size: int) -> tuple[WavForm | None, bytes]:
    reader = WavStream()
    for at in range(0, len(stream), size):
        if form := reader.feed(stream[at : at + size]):
            return form, reader.rest + stream[at + size :]
    return None, b""


@pytest.mark.parametrize("size", [1, 7, 44, 1_000])
@pytest.mark.parametrize(
    ("begin", "form"),
    [
        (header(), WavForm("linear16", 16_000, 1)),
        (header(7, 2, 8_000, 8), WavForm("mulaw", 8_000, 2)),
        (header(6, 1, 8_000, 8), WavForm("alaw", 8_000, 1)),
        (header(before=b"LIST\3\0\0\0abc\0"), WavForm("linear16", 16_000, 1)),
    ],
    ids=["pcm", "mulaw stereo", "alaw", "behind a list"],
)
def test_header_in_pieces_is_read_and_samples_stay(begin: bytes, form: WavForm, size: int) -> None:
    """Whatever the pieces, the samples begin where the header ends."""
    assert read(begin + SAMPLES, size) == (form, SAMPLES)


@pytest.mark.parametrize(
    "stream",
    [
        b"OggS" + bytes(40),
        b"RIFF" + bytes(4) + b"AVI ",
        header(3, bits=32),
        header(rate=96_000),
        header(channels=6),
        b"RIFF" + bytes(4) + b"WAVEdata" + bytes(8),
        b"RIFF" + bytes(4) + b"WAVE" + (b"junk" + bytes(4)) * 9_000,
    ],
    ids=["ogg", "avi", "floats", "96 kHz", "six channels", "no format", "endless"],
)
def test_other_stream_is_refused(stream: bytes) -> None:
    """Before it takes memory."""
    with pytest.raises(ValueError, match=r"."):
        read(stream, 1_000)


def test_header_of_many_chunks_is_read_once() -> None:
    """Not again with each byte that comes: it is a client's choice how small its pieces are."""
    reader, chunks = WavStream(), b"junk" + bytes(4)
    reader.feed(header()[:12] + chunks * 8_000)
    began = time.process_time()
    for byte in (chunks * 100)[:-1]:
        assert reader.feed(bytes([byte])) is None
    assert time.process_time() - began < 1.0


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_are_a_header_or_refused(data: bytes, size: int) -> None:
    """With no other error."""
    try:
        form, _ = read(b"RIFF\0\0\0\0WAVE" + data, size)
    except ValueError:
        return
    assert form is None or form.channels in (1, 2)
