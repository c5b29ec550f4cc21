"""Audio of ``/v1/listen``: the same samples, whatever pieces they come in."""

import numpy as np
import pytest

from fastapi_service.api.deepgram.audio import HeaderedStream, OneTalker, RawStream, pieces
from infra.sound.g711 import encode_alaw, encode_mulaw
from tests.support.wav_headers import header
from wire.audio import Pcm, encode_pcm
from wire.errors import AudioError

PCM = (np.sin(np.arange(4_000) / 9) * 9_000).astype(np.int16)


def fed(stream: RawStream | HeaderedStream, data: bytes, size: int) -> Pcm:
    return np.concatenate([stream.feed(data[at : at + size]) for at in range(0, len(data), size)])


@pytest.mark.parametrize("size", [1, 3, 999, 100_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_do_not_depend_on_the_pieces(size: int, channels: int) -> None:
    """Clients cut where they like, also within a sample."""
    assert np.array_equal(fed(RawStream("linear16", channels, 16_000), encode_pcm(PCM), size), PCM)


@pytest.mark.parametrize(("encoding", "encode"), [("mulaw", encode_mulaw), ("alaw", encode_alaw)])
def test_telephone_codings_come_back_nearly_as_they_were(encoding: str, encode: object) -> None:
    """Within half a step of the coding."""
    assert callable(encode)
    decoded = fed(RawStream(encoding, 1, 8_000), encode(PCM), 160)
    assert np.abs(decoded.astype(int) - PCM).max() <= 300


@pytest.mark.parametrize("size", [1, 5, 44, 500, 100_000])
def test_header_before_the_samples_is_passed_over(size: int) -> None:
    """Programs send files as they are, and say the encoding all the same."""
    data = header() + encode_pcm(PCM)
    assert np.array_equal(fed(RawStream("linear16", 1, 16_000), data, size), PCM)


@pytest.mark.parametrize("other", [header(rate=8_000), header(channels=2)], ids=["rate", "channels"])
def test_header_that_contradicts_the_query_is_refused(other: bytes) -> None:
    """The text would be nonsense."""
    with pytest.raises(AudioError, match="unlike the query"):
        fed(RawStream("linear16", 1, 16_000), other + encode_pcm(PCM), 1_000)


def test_header_says_what_the_query_does_not() -> None:
    """Its rate and channels are known once it is whole."""
    stream = HeaderedStream()
    data = header(7, 2, 8_000, 8) + encode_mulaw(PCM)
    assert len(stream.feed(data[:30])) == stream.rate == 0
    assert len(stream.feed(data[30:])) == len(PCM)
    assert (stream.rate, stream.channels) == (8_000, 2)


def test_audio_without_a_header_and_without_an_encoding_is_refused() -> None:
    """With what to send instead."""
    with pytest.raises(AudioError, match="encoding"):
        HeaderedStream().feed(b"\x1a\x45\xdf\xa3" + bytes(40))


def test_one_talker_of_two_channels_is_their_mean() -> None:
    """As without ``multichannel``."""
    stereo = np.stack([PCM, np.zeros_like(PCM)], axis=1).reshape(-1)
    assert np.abs(OneTalker(16_000).feed(stereo).astype(int) - PCM / 2).max() <= 1


def test_pieces_are_whole_and_bounded() -> None:
    """Joined they are the audio."""
    parts = pieces(PCM, 1_000)
    assert (b"".join(parts), max(map(len, parts))) == (encode_pcm(PCM), 1_000)
