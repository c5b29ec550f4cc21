"""The recorder with a talker on each channel."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from infra.sound.sound_file import SoundFile
from recorder_service.recorder_service import app
from tests.unit.wta.fake_gateway import final
from wire.errors import AudioError, ConfigurationError
from wire.messages.server import Ack, Ready, SpeechEnded, Stopped
from wire.messages.statistics import Statistics
from wta.audio.source import Channels, open_file
from wta.client.replay_buffer import ReplayBuffer
from wta.client.transcript import Transcript
from wta.run.start import make_start, speakers

LEFT, RIGHT = "a" * 32, "b" * 32


@pytest.fixture
def stereo(tmp_path: Path) -> Path:
    """A tone on the left, another one on the right, at 44.1 kHz."""
    at = np.arange(44_100) / 44_100
    sound = np.stack([np.sin(2 * np.pi * 300 * at), np.sin(2 * np.pi * 500 * at)], axis=1) / 4
    soundfile.write(tmp_path / "call.wav", sound, 44_100)
    return tmp_path / "call.wav"


def ready(session_id: str, channel: Literal[0, 1], samples: int = 0) -> Ready:
    told = {"session_id": session_id, "token": f"token {channel}", "samples": samples, "channel": channel}
    return Ready.model_validate(told | {"resumed": False, "sample_rate": 16_000, "language": None, "room": "call"})


def begun() -> Transcript:
    transcript = Transcript(tokens=(None, None))
    transcript.add(ready(LEFT, 0, 10))
    transcript.add(ready(RIGHT, 1, 4))
    return transcript


def test_channels_of_a_file_stay_apart_at_16_khz(stereo: Path) -> None:
    """Each has its own tone and nothing of the other's, and the length of the file."""
    pcm = np.concatenate(list(SoundFile(stereo).blocks(split=True)))
    assert pcm.shape == (16_000, 2)
    spectrum = np.abs(np.fft.rfft(pcm, axis=0))
    assert spectrum.argmax(axis=0).tolist() == [300, 500]
    assert spectrum[500, 0] < spectrum[300, 0] / 1_000


@pytest.mark.parametrize(("wanted", "channels"), [(Channels.ONE, 1), (Channels.TWO, 2), (Channels.AUTO, 2)])
def test_a_stereo_file_has_the_talkers_that_are_wanted(stereo: Path, wanted: Channels, channels: int) -> None:
    """Only on request are they two."""
    assert open_file(stereo, realtime=False, channels=wanted).channels == channels


def test_a_mono_file_has_no_two_talkers(tmp_path: Path) -> None:
    """Requested they are an error; found by the file they are one."""
    path = tmp_path / "mono.wav"
    soundfile.write(path, np.zeros(1_600), 16_000)
    assert open_file(path, realtime=False, channels=Channels.AUTO).channels == 1
    with pytest.raises(AudioError, match="1 channel") as caught:
        open_file(path, realtime=False, channels=Channels.TWO)
    assert caught.value.code == "not_stereo"
    result = CliRunner().invoke(app, ["--file", str(path), "--channels", "2"], env={"COLUMNS": "200"})
    assert result.exit_code == 2


def test_speakers_are_called_after_their_channels_unless_they_have_names() -> None:
    """Names and roles belong to the channels in their order."""
    start = make_start([], room=None, **speakers(2, ["Ann"], ["agent", "customer"]))
    assert start.speakers is not None
    assert [(each.name, each.role) for each in start.speakers] == [("Ann", "agent"), ("right", "customer")]
    assert (start.channels, start.name) == (2, None)
    assert speakers(1, ["Ann"], []) == {"name": "Ann", "role": ""}
    with pytest.raises(ConfigurationError, match="--name is given 2 times"):
        speakers(1, ["Ann", "Bob"], [])
    with pytest.raises(ConfigurationError, match="--name is refused"):
        make_start([], **speakers(2, ["two\nlines"], []))


def test_audio_is_acknowledged_when_both_sessions_have_it() -> None:
    """The position to go on from is that of the one which is behind."""
    transcript = begun()
    assert transcript.acknowledged == 4
    transcript.add(Ack(samples=20, channel=1))
    assert transcript.acknowledged == 10


def test_both_sessions_are_resumed() -> None:
    """Each with its token; nothing is, as long as only one has begun."""
    resumed = begun().begin_again()["resume"]
    assert [(each.session_id, each.token) for each in resumed] == [(LEFT, "token 0"), (RIGHT, "token 1")]
    half = Transcript(tokens=(None, None))
    half.add(ready(LEFT, 0))
    assert (half.session_id, half.begin_again()) == (None, {})


def test_results_and_answers_of_both_are_added_up() -> None:
    """It is over when both have stopped; statistics of each session are kept."""
    transcript = begun()
    transcript.add(SpeechEnded(segment=0, start_ms=0, end_ms=1, reason="silence", channel=0))
    transcript.add(SpeechEnded(segment=0, start_ms=0, end_ms=1, reason="silence", channel=1))
    transcript.add(final(0, seq=1, session_id=RIGHT))
    assert (transcript.segments, transcript.missing) == (2, 1)
    for session_id, version in ((RIGHT, 5), (LEFT, 3)):
        assert transcript.add(Statistics(scope="session", session_id=session_id, version=version, trend_window=20))
    transcript.add(Statistics(scope="room", room="call", version=9, trend_window=20))
    assert [known.version for known in transcript.statistics_in_order()] == [3, 5, 9]
    transcript.add(Stopped(segments=1, pending=1, channel=0))
    assert transcript.stopped is None
    transcript.add(Stopped(segments=2, pending=0, channel=1))
    assert transcript.stopped == Stopped(segments=3, pending=1)


def test_positions_of_a_stereo_buffer_count_both_channels_together() -> None:
    """Four bytes are one moment."""
    buffer = ReplayBuffer(10, channels=2)
    buffer.append(bytes(range(16)))
    assert buffer.end == 4
    buffer.trim(1)
    assert buffer.read(2, 1) == bytes(range(8, 12))
    with pytest.raises(ValueError, match="whole"):
        buffer.append(bytes(2))
