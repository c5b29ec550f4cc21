"""Exports name the speakers of one microphone as far as they are distinguished."""

import json
from typing import Any

from fastapi_service.export.entries import Speakers
from fastapi_service.export.formats import FORMATS, File
from fastapi_service.export.sentences import Sentences
from tests.support.speakers import ALICE, BOB, final
from wire.messages.results import Final


def entries(said: list[Final]) -> list[dict[str, Any]]:
    speakers, sentences = Speakers(), Sentences()
    for end in said:
        speakers.note(end)
        sentences.note(end)
    file = File(FORMATS["json"], speakers.by_session(), sentences)
    written = file.head() + "".join(file.entries([end]) for end in said) + file.tail()
    found: list[dict[str, Any]] = json.loads(written)["entries"]
    return found


def test_several_voices_of_a_session_in_a_room_have_numbers_of_their_own() -> None:
    """Behind the name of their session; one voice, or none, has none."""
    voices = {(ALICE, 0): 1, (BOB, 0): 1, (ALICE, 1): 2, (ALICE, 2): None, (BOB, 1): 1}
    said: list[Final] = [final(segment, session).said_by(voice, {}) for (session, segment), voice in voices.items()]
    speakers = [entry["speaker"] for entry in entries(said)]
    assert speakers == ["Speaker 1, voice 1", "Speaker 2", "Speaker 1, voice 2", "Speaker 1", "Speaker 2"]


def test_a_voice_that_turned_out_to_be_another_one_has_its_number_from_the_beginning() -> None:
    """Also in several steps; if one voice is left, it has no name."""
    steps: list[tuple[int, dict[int, int]]] = [(1, {}), (2, {}), (3, {}), (2, {3: 2}), (4, {})]
    said: list[Final] = [final(segment).said_by(voice, merged) for segment, (voice, merged) in enumerate(steps)]
    names = [entry["speaker"] for entry in entries(said)]
    assert names == ["Speaker 1", "Speaker 2", "Speaker 2", "Speaker 2", "Speaker 4"]
    said.append(final(5).said_by(1, {2: 1, 4: 1}))
    assert {entry["speaker"] for entry in entries(said)} == {None}


def test_the_exported_json_has_the_number_of_each_voice() -> None:
    """Revised like the name, and also of a single voice, which has no name; null where it is not known."""
    steps: list[tuple[int | None, dict[int, int]]] = [(1, {}), (2, {}), (None, {}), (3, {}), (1, {3: 2})]
    said: list[Final] = [final(segment).said_by(voice, merged) for segment, (voice, merged) in enumerate(steps)]
    assert [entry["voice"] for entry in entries(said)] == [1, 2, None, 2, 1]
    alone = entries(said[:1])
    assert [(entry["voice"], entry["speaker"]) for entry in alone] == [(1, None)]
