"""``make bench-continuous`` as a whole, with an engine without a model: what it runs, writes and refuses."""

import json
from pathlib import Path

import pytest
import typer

from bench.clips import Clip
from bench.continuous import references
from bench.continuous.__main__ import usable_clips
from bench.continuous.cases import Condition, Kind, Studio, clip_languages
from bench.continuous.runs import Options, Runs, results
from bench.continuous.streams import Stream, join
from bench.continuous.tables import room_table, streams_table
from bench.stt_engines import FASTER, WHISPER
from fastapi_service.settings import Settings as GatewaySettings
from tests.support.scripted_engine import ScriptedEngine
from tests.support.voices import find_tone, voiced_clip

SECONDS = 8.0


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    """Two English speakers of half a minute, a Korean one, and an English recording."""
    found = [
        voiced_clip(tmp_path, f"{speaker}-{number}", SECONDS, speaker, language)
        for speaker, language in (("ann", "en"), ("bob", "en"), ("김", "ko"))
        for number in range(4)
    ]
    return [*found, voiced_clip(tmp_path, "long", 26.0, "cem", "en")]


def run(clips: list[Clip], conditions: list[Condition], *, speakers: int | None = None) -> dict[str, dict[str, object]]:
    studio = Studio(clips, find_tone)
    cases = [case for language in clip_languages(clips) for case in studio.cases(language, conditions, speakers, 3.0)]
    runs = Runs(ScriptedEngine(), studio, GatewaySettings.model_construct(), Options(references=False))
    streams = runs.streams([case for case in cases if case.kind is not Kind.ROOM])
    rooms = runs.rooms([case for case in cases if case.kind is Kind.ROOM])
    assert streams_table(streams).row_count == sum(
        len(noises) for kinds in streams.values() for noises in kinds.values()
    )
    assert room_table(rooms).row_count == 3 * len(rooms)
    stored: dict[str, dict[str, object]] = json.loads(json.dumps(results(streams, rooms)))
    return stored


def test_the_results_have_the_figures_of_each_language(clips: list[Clip]) -> None:
    """Joined clips without noise first; recordings, noise and rooms beside them."""
    stored = run(clips, [Condition.CLEAN, Condition.FAN, Condition.ROOM])
    assert list(stored) == ["en", "ko"]
    assert {"wer", "wer_interval", "finals_per_sentence", "p50_s", "p95_s", "forced_cuts"} <= stored["en"].keys()
    assert {"cer", "finals_per_sentence", "p95_s"} <= stored["ko"].keys()
    assert (stored["en"]["speakers"], stored["ko"]["speakers"]) == (2, 1)
    english, korean = (
        {key: value for key, value in each.items() if isinstance(value, dict)} for each in stored.values()
    )
    assert korean["room"].keys() == {"fan", "babble", "music"}
    assert english["noise"].keys() == {"fan"}
    assert english["recordings"].keys() == {"clean", "fan"}
    assert english["recordings"]["clean"]["speakers"] == 1
    assert "recordings" not in korean
    assert english["room"]["music"]["sentences"] == 8


def test_a_short_run_has_fewer_speakers_and_conditions(clips: list[Clip]) -> None:
    stored = run(clips, [Condition.CLEAN], speakers=1)
    assert stored["en"]["speakers"] == 1
    assert "noise" not in stored["en"]
    assert "room" not in stored["en"]


def test_streams_of_a_case_are_always_the_same(clips: list[Clip]) -> None:
    """So that what other engines made of them can be kept; noise and kinds differ."""
    studio = Studio(clips, find_tone)
    cases = studio.cases("en", [Condition.CLEAN, Condition.BABBLE, Condition.ROOM], 1, 0.5)
    keys = [references.key(WHISPER, studio.make(case)) for case in cases]
    assert keys == [references.key(WHISPER, studio.make(case)) for case in cases]
    assert len(set(keys)) == len(cases) == 2 + 2 + 3


def test_results_of_other_engines_are_kept(clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read again, without loading the engine."""
    streams: list[Stream] = [join(clips[:2], "ann", find_tone, seed) for seed in (1, 2)]
    monkeypatch.setattr(references, "FOLDER", tmp_path)
    monkeypatch.setattr(references, "FILE", tmp_path / "kept.jsonl")
    lines = [
        {"key": references.key(WHISPER, stream), "text": f"text {number}", "wall_s": 1.0, "cpu_s": 2.0}
        for number, stream in enumerate(streams)
    ]
    references.FILE.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    assert [each.text for each in references.transcribe_all(WHISPER, streams)] == ["text 0", "text 1"]
    assert references.key(FASTER, streams[0]) != references.key(WHISPER, streams[0])


def test_whisper_is_always_among_the_engines() -> None:
    """Faster-whisper where it is installed."""
    assert references.installed()[0] == WHISPER
    assert set(references.installed()) <= {WHISPER, FASTER}


def test_a_missing_manifest_is_refused_by_name(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(typer.BadParameter, match=r"is missing. Give .*MANIFEST"):
            usable_clips(path)


def test_a_folder_stands_for_its_manifest_and_missing_recordings_are_named(tmp_path: Path) -> None:
    clip = voiced_clip(tmp_path, "one", 1.0)
    line = {"file": "one.wav", "lang": "en", "text": clip.text, "seconds": clip.seconds, "speaker": "ann"}
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(json.dumps(line), "utf-8")
    assert usable_clips(tmp_path) == usable_clips(manifest) == [clip]
    clip.file.unlink()
    with pytest.raises(typer.BadParameter, match=r"1 recordings .* are missing, the first is .*one\.wav"):
        usable_clips(manifest)
