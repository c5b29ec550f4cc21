"""Containers: the demuxer is that of the first bytes, sound is decoded, and all else is passed over."""

import io

import av
import numpy as np
import pytest

from infra.sound import container_kinds
from infra.sound.container import ContainerFile
from infra.sound.container_kinds import demuxer
from tests.support.containers import CODECS, packed
from tests.support.hostile import MAGICS
from tests.support.sounds import speech
from wire.audio import SAMPLE_RATE, Pcm
from wire.errors import AudioError

SPEECH = speech(3 * SAMPLE_RATE)


def decoded(data: bytes) -> Pcm:
    file = io.BytesIO(data)
    kind = demuxer(file)
    assert kind is not None
    return np.concatenate([*ContainerFile(file, kind).blocks()])


@pytest.mark.parametrize("kind", CODECS)
def test_sound_of_each_kind_is_decoded(kind: str) -> None:
    """About as long as it was, and as loud."""
    pcm = decoded(packed(SPEECH, kind))
    assert len(pcm) / SAMPLE_RATE == pytest.approx(3, abs=0.15)
    assert np.abs(pcm).mean() > 1_000


@pytest.mark.parametrize("layout", ["stereo", "5.1", "7.1"])
def test_channels_are_averaged(layout: str) -> None:
    """Up to eight of them."""
    assert len(decoded(packed(SPEECH, "mp4", layout))) / SAMPLE_RATE == pytest.approx(3, abs=0.15)


def test_picture_is_passed_over() -> None:
    """A video is as good as a sound file; one without sound is named."""
    assert len(decoded(packed(SPEECH, "mp4", video=True))) / SAMPLE_RATE == pytest.approx(3, abs=0.15)
    with pytest.raises(AudioError) as refused:
        decoded(silent_video())
    assert refused.value.code == "no_sound"


def silent_video() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as video:
        stream = video.add_stream("mpeg4", rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        still = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), dtype=np.uint8), format="rgb24")
        video.mux(stream.encode(still))
        video.mux(stream.encode(None))
    return file.getvalue()


OTHERS = {
    "nothing": b"",
    "m3u8": b"#EXTM3U\nfile:///etc/passwd\n",
    "ffconcat": b"ffconcat version 1.0\nfile x\n",
    "concat": b"concat:a|b",
    "no second packet of a transport stream": b"G" + bytes(400),
    "zip": b"PK\x03\x04" + bytes(400),
}


@pytest.mark.parametrize("name", OTHERS)
def test_file_of_another_kind_has_no_demuxer(name: str) -> None:
    """So no library looks for a playlist in it."""
    assert demuxer(io.BytesIO(OTHERS[name])) is None


@pytest.mark.parametrize("name", ["mp4", "matroska", "asf", "avi", "flv", "amr", "caf", "program stream"])
def test_damaged_file_names_its_kind(name: str) -> None:
    """With a code of sound files."""
    data = MAGICS[name] + bytes(range(256)) * 20
    with pytest.raises(AudioError) as refused:
        decoded(data)
    assert refused.value.code in {"not_wav", "no_sound"}


def test_file_that_breaks_off_is_read_to_there() -> None:
    """Then it is named."""
    whole = packed(speech(20 * SAMPLE_RATE), "webm")
    file = io.BytesIO(whole[: len(whole) // 2])
    blocks = ContainerFile(file, "matroska").blocks()
    read: list[int] = []
    with pytest.raises(AudioError, match="breaks off") as refused:
        read.extend(map(len, blocks))
    assert refused.value.code == "file_truncated"
    assert 8 < sum(read) / SAMPLE_RATE < 12


def test_sound_that_needs_another_decoder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A codec that is not in the list is not tried, whatever the container says."""
    monkeypatch.setattr(container_kinds, "CODECS", ("mp3", "mp3float"))
    with pytest.raises(AudioError) as refused:
        decoded(packed(SPEECH, "mov"))
    assert refused.value.code == "not_wav"
