"""People of a room: ids that cannot be linked across rooms, and names that cannot disturb what is around them."""

import pytest
from pydantic import ValidationError

from tests.support.speakers import audio_job, text_job
from wire.messages.base import Speaker
from wire.messages.client import Configure, Start
from wire.messages.jobs import AnalyzeText
from wire.messages.results import Final, NoSpeech, SegmentFailed, result_fields
from wire.people import person_id, readable_name

KEY = "k" * 43
ALICE, BOB = "a" * 32, "b" * 32


def test_one_key_is_one_person_in_a_room_and_another_in_each_other_room() -> None:
    """Whoever sees two rooms cannot link their people."""
    assert person_id(ALICE, "kitchen", KEY) == person_id(BOB, "kitchen", KEY)
    assert person_id(ALICE, "kitchen", KEY) != person_id(ALICE, "garden", KEY)
    assert person_id(ALICE, "kitchen", KEY) != person_id(ALICE, "kitchen", KEY + "k")


def test_without_a_key_or_a_room_each_session_is_a_person() -> None:
    """The id follows from the session alone, so that results without a speaker have the same."""
    assert person_id(ALICE, "kitchen", None) == person_id(ALICE, None, None) == person_id(ALICE, None, KEY)
    assert person_id(ALICE, "kitchen", None) != person_id(BOB, "kitchen", None)


def test_ids_are_those_of_the_protocol() -> None:
    """The first 16 hexadecimal digits of SHA-256; a client may compute its own."""
    assert person_id(ALICE, "kitchen", KEY) == "81112f7486de746d"
    assert person_id(ALICE, None, None) == "3ba3f5f43b926026"


@pytest.mark.parametrize("name", ["", " ", "\u00a0", "\u200b", "\u2003\u200d"])
def test_a_name_of_which_nothing_is_visible_is_none(name: str) -> None:
    """Also one of blanks without width."""
    assert Start(name=name, role=name).name is None
    assert Configure(name=name, role=name).role is None


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\x1b[31m", "a\u2028b", "\u202eecila", "a\u2066b", "a\u0085b"])
def test_a_name_that_would_change_what_is_around_it_is_refused(name: str) -> None:
    """Line breaks, terminal sequences and changes of direction."""
    with pytest.raises(ValidationError, match="line break"):
        Start(name=name)
    with pytest.raises(ValueError, match="line break"):
        readable_name(name)


@pytest.mark.parametrize(
    "name", ["김서연", "Siobhán O’Brien", "اسم", "👩\u200d👩\u200d👧", "<b>Bob</b>", "=1+1", "x" * 60]
)
def test_any_other_name_is_taken_as_it_is(name: str) -> None:
    """It is shown as text everywhere."""
    assert Start(name=f"  {name} ").name == name


def test_a_message_without_a_name_is_that_of_older_clients() -> None:
    """Older gateways refuse unknown fields."""
    assert {"name", "role", "person_key"}.isdisjoint(Start().model_dump())
    assert not Configure().changes_person
    assert Configure(name=None).changes_person
    assert not Configure(name="Bob").changes_recognition


def test_a_speaker_passes_through_every_stage() -> None:
    """Workers copy it from job to job and into each kind of result."""
    speaker = Speaker(person="0" * 16, name="김서연", role="agent")
    job = audio_job().model_copy(update={"speaker": speaker})
    text = AnalyzeText(**result_fields(job), transcript=text_job().transcript)
    ends = [
        Final.of(text, None, "no sentiment"),
        NoSpeech(**result_fields(job)),
        SegmentFailed(**result_fields(text), code="c", message="m", remedy="r", attempts=3),
    ]
    assert [end.speaker for end in ends] == [text.speaker] * 3 == [speaker] * 3
    assert "speaker" not in audio_job().model_dump()
