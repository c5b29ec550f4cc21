"""The voice model itself: sentences in noise end in time and are whole; what the gateway says when it is missing."""

import subprocess
import sys
from importlib.machinery import ModuleSpec
from itertools import pairwise
from pathlib import Path

import pytest

from bench.session import voice_model
from fastapi_service.endpointing import silero
from fastapi_service.endpointing.endpointer import Endpointer, EndpointerOptions
from fastapi_service.endpointing.events import Utterance
from fastapi_service.endpointing.silero import FILE, SileroModel
from fastapi_service.fastapi_service import load_voice_or_exit
from fastapi_service.settings import Settings
from tests.support.loud_rooms import ROOM_DB, in_room, noise_of
from tests.support.machines import ROOT
from wire.audio import SAMPLE_RATE, Samples, ms_to_samples, to_int16
from wire.errors import ModelError

ENGLISH = ("lobster.wav", "silly.wav", "pleased.wav", "rainbow.wav", "known-her.wav")
OTHERS = ("fr-course.wav", "de-klima.wav", "surpassed.wav", "fr-cristaux.wav")
END_S = 1.0
"""Longest time from the last word to the end of its utterance."""
PIECE = ms_to_samples(90)


def cut(audio: Samples) -> list[Utterance]:
    """Utterances with the position at which their end was found as ``ended``."""
    endpointer, pcm = Endpointer(EndpointerOptions(), voice=voice_model()), to_int16(audio)
    events = [
        event
        for begin in range(0, len(pcm), PIECE)
        for event in endpointer.feed(pcm[begin : begin + PIECE], min(len(pcm), begin + PIECE))
    ]
    return [event for event in events if isinstance(event, Utterance)]


@pytest.mark.parametrize("names", [ENGLISH, OTHERS], ids=["english", "others"])
@pytest.mark.parametrize("kind", ["fan", "babble", "music"])
def test_sentences_in_a_loud_room_end_in_time_and_are_whole(kind: str, names: tuple[str, ...]) -> None:
    """At −30 dBFS, 15 dB below the voice: within a second of the last word, and no word is outside of utterances."""
    audio, spans = in_room(kind, names)
    found = cut(audio)
    for begin, end in spans:
        parts = [each for each in found if each.start < end and each.end > begin]
        assert parts, "the sentence is lost"
        assert parts[0].start <= begin
        assert parts[-1].end >= end
        assert all(one.end == other.start for one, other in pairwise(parts))
        assert (parts[-1].ended - end) / SAMPLE_RATE <= END_S
        assert {each.reason for each in parts} == {"silence"}


@pytest.mark.parametrize("kind", ["fan", "music"])
def test_a_loud_room_without_voice_gives_utterances_only_until_it_is_known(kind: str) -> None:
    """In the first second a room is taken for a word, and then for quiet music."""
    audio = (10 ** (ROOM_DB / 20) * noise_of(kind, 30)).astype("float32")
    assert all(each.ended < 5 * SAMPLE_RATE for each in cut(audio))


def test_model_keeps_no_state() -> None:
    """Streams that share it do not disturb each other."""
    alone, _ = in_room("fan", ENGLISH[:2])
    expected = [(each.start, each.end) for each in cut(alone)]
    one = Endpointer(EndpointerOptions(), voice=voice_model())
    other = Endpointer(EndpointerOptions(), voice=voice_model())
    found = []
    for begin in range(0, len(alone), PIECE):
        found += one.feed(to_int16(alone[begin : begin + PIECE]), 0.0)
        other.feed(to_int16(alone[::-1][begin : begin + PIECE]), 0.0)
    assert [(each.start, each.end) for each in found if isinstance(each, Utterance)] == expected


def spec_at(folder: Path) -> ModuleSpec:
    return ModuleSpec("silero_vad", None, origin=str(folder / "__init__.py"))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silero, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"silero-vad is not installed.*GATEWAY_VOICE_DETECTION=false"):
        SileroModel()


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(silero, "find_spec", lambda _: spec_at(tmp_path))
    with pytest.raises(ModelError, match=rf"{FILE.name} is missing"):
        SileroModel()


def test_a_damaged_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(silero, "find_spec", lambda _: spec_at(tmp_path))
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_bytes(b"half a file")
    with pytest.raises(ModelError, match=rf"cannot load .*{FILE.name}"):
        SileroModel()


def test_a_missing_runtime_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match="onnxruntime cannot be imported"):
        SileroModel()


def test_a_gateway_without_its_model_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names what is missing and what to do."""
    monkeypatch.setattr(silero, "find_spec", lambda _: None)
    with pytest.raises(SystemExit) as exit_:
        load_voice_or_exit(Settings())
    line = capsys.readouterr().err
    assert exit_.value.code == 2
    assert line.startswith("error: The voice detection cannot start: the package silero-vad is not installed.")
    assert line.count("\n") == 1


def test_a_gateway_whose_operator_wants_no_model_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silero, "find_spec", lambda _: None)
    assert load_voice_or_exit(Settings(voice_detection=False)) is None


def test_the_gateway_loads_it_without_torch() -> None:
    """Its image has none."""
    program = (
        "import sys; sys.modules['torch'] = None; from fastapi_service.fastapi_service import load_voice_or_exit; "
        "from fastapi_service.settings import Settings; assert load_voice_or_exit(Settings()); "
        "print('silero_vad' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
