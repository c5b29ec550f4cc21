"""Opus in pieces, beside what was encoded."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.sound.opus_stream import LONGEST_S, OpusStream, _Pages, packet_ms
from tests.support.opus_files import TONE, in_ogg
from wire.audio import SAMPLE_RATE, Pcm


def fed(stream: OpusStream, pieces: list[bytes]) -> Pcm:
    return np.concatenate([np.zeros(0, dtype=np.int16), *(pcm for piece in pieces for pcm in stream.feed(piece))])


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def is_tone(samples: Pcm) -> bool:
    """True for the tone, wherever it begins."""
    spectrum = np.abs(np.fft.rfft(samples[: 2 * SAMPLE_RATE].astype(float)))
    return int(spectrum.argmax()) == 2 * 440 and np.abs(samples).max() > 8_000


@pytest.mark.parametrize("size", [50, 3_000, 1_000_000])
def test_opus_in_ogg_is_nearly_what_was_encoded(size: int) -> None:
    """Of about the same length; the first piece shows that it is Ogg."""
    samples = fed(OpusStream(SAMPLE_RATE, 1), cut(in_ogg(), size))
    assert is_tone(samples)
    assert abs(len(samples) - len(TONE)) < SAMPLE_RATE / 10


def test_raw_opus_has_a_packet_in_each_message() -> None:
    """As voice chats send it."""
    packets = list(_Pages().feed(in_ogg()))[2:]
    assert is_tone(fed(OpusStream(SAMPLE_RATE, 1), packets))


def test_stereo_is_interleaved() -> None:
    """A mono stream is on both channels."""
    samples = fed(OpusStream(SAMPLE_RATE, 2), [in_ogg()]).reshape(-1, 2)
    assert np.abs(samples[:, 0].astype(int) - samples[:, 1]).max() <= 1
    assert is_tone(samples[:, 0])


def test_stream_that_cannot_be_decoded_ends() -> None:
    """After some packets that cannot; one that is damaged is left out."""
    stream = OpusStream(SAMPLE_RATE, 1)
    assert len(fed(stream, [b"\xff" * 3])) == 0
    with pytest.raises(ValueError, match="cannot be decoded"):
        fed(stream, [b"\xff" * 3] * 50)


def test_message_with_hours_is_refused() -> None:
    """Each packet is 60 ms of silence in three bytes."""
    size = 1 + LONGEST_S * 1000 // 60
    page = b"OggS" + bytes(22) + bytes([250]) + bytes([3] * 250) + b"\x18\xff\xfe" * 250
    with pytest.raises(ValueError, match="more audio"):
        next(OpusStream(SAMPLE_RATE, 1).feed(page * (size // 250 + 2)))


def test_message_with_a_million_packets_is_refused() -> None:
    """They are empty, so that no limit of audio counts them."""
    page = b"OggS" + bytes(22) + bytes([255]) + bytes(255)
    with pytest.raises(ValueError, match="more audio"):
        next(OpusStream(SAMPLE_RATE, 1).feed(page * 3_600))


def test_long_message_is_decoded_by_the_second() -> None:
    """Whoever takes it in need not have all of it at once."""
    lengths = [len(pcm) for pcm in OpusStream(SAMPLE_RATE, 1).feed(in_ogg())]
    assert len(lengths) >= 3
    assert all(SAMPLE_RATE <= length < 1.2 * SAMPLE_RATE for length in lengths[:-1])


@pytest.mark.parametrize(
    ("packet", "ms"),
    [
        (bytes([0 << 3]), 10),
        (bytes([3 << 3]), 60),
        (bytes([11 << 3 | 1]), 120),
        (bytes([13 << 3 | 2]), 40),
        (bytes([16 << 3]), 2.5),
        (bytes([31 << 3 | 3, 0x80 | 6]), 120),
        (bytes([31 << 3 | 3]), 2.5),
        (b"", 2.5),
        (b"OpusHead....", 2.5),
    ],
)
def test_length_of_a_packet_is_in_its_first_bytes(packet: bytes, ms: float) -> None:
    """RFC 6716, section 3.1."""
    assert packet_ms(packet) == ms


def test_lengths_of_packets_are_those_of_their_sound() -> None:
    """As a real encoder writes them."""
    packets = list(_Pages().feed(in_ogg()))[2:]
    assert abs(sum(map(packet_ms, packets)) / 1000 - len(TONE) / SAMPLE_RATE) < 0.1


def test_packet_that_does_not_end_is_refused() -> None:
    """Its pages have no audio, so that no limit of audio counts them."""
    page = b"OggS" + bytes(22) + b"\xff" * 256 + bytes(255 * 255)
    stream = OpusStream(SAMPLE_RATE, 1)
    with pytest.raises(ValueError, match="does not end"):
        fed(stream, [page] * 20)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=6), st.booleans())
def test_any_bytes_are_decoded_or_refused(pieces: list[bytes], is_ogg: bool) -> None:
    """With no other error."""
    with contextlib.suppress(ValueError):
        fed(OpusStream(SAMPLE_RATE, 1), [*([b"OggS" + piece for piece in pieces] if is_ogg else pieces)])
