"""Telephone speech: both laws of G.711, beside libsndfile's."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from infra.sound.g711 import decode_alaw, decode_mulaw, encode_alaw, encode_mulaw
from wire.audio import Pcm

CODES = bytes(range(256))
EVERY_SAMPLE = np.arange(-32_768, 32_768).astype(np.int16)
Decode = Callable[[bytes], Pcm]
Encode = Callable[[Pcm], bytes]
LAWS = [
    pytest.param(decode_mulaw, encode_mulaw, "ULAW", id="mulaw"),
    pytest.param(decode_alaw, encode_alaw, "ALAW", id="alaw"),
]


@pytest.mark.parametrize(("decode", "_encode", "subtype"), LAWS)
def test_decode_every_code_equals_libsndfile(decode: Decode, _encode: Encode, subtype: str) -> None:
    """Each of the 256 codes is the sample that another implementation gives."""
    peer, _ = soundfile.read(
        io.BytesIO(CODES), dtype="int16", samplerate=8_000, channels=1, format="RAW", subtype=subtype
    )
    assert np.array_equal(decode(CODES), peer)


@pytest.mark.parametrize(("decode", "encode", "_subtype"), LAWS)
def test_encode_of_what_was_decoded_is_the_same_code(decode: Decode, encode: Encode, _subtype: str) -> None:
    """A second coding loses nothing; of two codes for 0 the positive one is written."""
    again = np.frombuffer(encode(decode(CODES)), np.uint8)
    differing = np.nonzero(again != np.arange(256))[0].tolist()
    assert differing == ([0x7F] if decode is decode_mulaw else [])


@pytest.mark.parametrize(("decode", "encode", "_subtype"), LAWS)
def test_coding_keeps_sign_order_and_relative_error(decode: Decode, encode: Encode, _subtype: str) -> None:
    """The error is at most half a step: 1/32 of the level, 8 near 0; levels never change their order."""
    coded = decode(encode(EVERY_SAMPLE)).astype(np.int32)
    exact = EVERY_SAMPLE.astype(np.int32)
    clipped = np.clip(exact, -32_635, 32_635)
    assert np.all(np.abs(coded - clipped) <= np.maximum(8, (np.abs(clipped) + 132) / 32))
    assert np.all(np.diff(coded) >= 0)
    assert np.array_equal(coded[exact > 0], -coded[exact < 0][::-1][:-1])


@pytest.mark.parametrize(
    ("decode", "code", "sample"),
    [
        (decode_mulaw, 0xFF, 0),
        (decode_mulaw, 0x7F, 0),
        (decode_mulaw, 0x80, 32_124),
        (decode_mulaw, 0x00, -32_124),
        (decode_alaw, 0xD5, 8),
        (decode_alaw, 0x55, -8),
        (decode_alaw, 0xAA, 32_256),
        (decode_alaw, 0x2A, -32_256),
    ],
)
def test_decode_of_the_recommendations_ends_is_their_level(decode: Decode, code: int, sample: int) -> None:
    """Silence, and the loudest levels of both signs, as the tables of the recommendation have them."""
    assert decode(bytes([code])).tolist() == [sample]


def test_decode_of_nothing_is_nothing() -> None:
    """An empty message has no samples."""
    assert len(decode_mulaw(b"")) == len(decode_alaw(b"")) == 0
