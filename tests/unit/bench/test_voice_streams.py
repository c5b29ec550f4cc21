"""Figures about the speakers of one microphone."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench.clips import Clip
from bench.voice_streams import Spoken, equal_error_rate, right_s, score, turns
from bench.voices import by_speaker
from infra.voiceprints import Voiceprint


def utterance(person: int, direction: int | None = None, *, seconds: float = 3.0, clip: str = "") -> Spoken:
    """An utterance of a person whose voice has a direction of its own."""
    vector = np.eye(8, dtype=np.float32)[person if direction is None else direction]
    name = f"person {person}"
    return Spoken(name, "en", clip or name, seconds, Voiceprint.of("campplus", seconds, vector))


def test_people_who_are_told_apart_have_no_error() -> None:
    """Each number stands for one person."""
    found = score([utterance(person) for person in (0, 1, 1, 0, 2)])
    assert (found.speakers, found.voices, found.revised) == (3, 3, 0)
    assert found.wrong == pytest.approx(0.0)


def test_two_people_with_one_number_are_wrong_for_the_shorter_of_both() -> None:
    """Of 8 s, 2 s are ascribed to the wrong person."""
    found = score([utterance(0, seconds=6.0), utterance(1, direction=0, seconds=2.0)])
    assert found.voices == 1
    assert found.wrong == pytest.approx(0.25)


def test_speech_without_a_voice_is_wrong() -> None:
    """A reader does not see whose it is."""
    silent = Spoken("person 0", "en", "a", 1.0, None)
    assert score([utterance(0, seconds=3.0), silent]).wrong == pytest.approx(0.25)


def test_each_number_is_given_to_one_person() -> None:
    """The best of all ways, not the best for the first person."""
    shares = {("a", 1): 5.0, ("a", 2): 4.0, ("b", 1): 4.0}
    assert right_s(shares) == 8.0


def test_turns_are_mostly_of_another_person() -> None:
    """With one person, all are that person's."""
    people = {f"person {each}": [utterance(each)] for each in range(3)}
    stream = turns(people, 300, np.random.default_rng(0))
    changes = sum(one.speaker != other.speaker for one, other in pairwise(stream))
    assert 180 < changes < 240
    assert len(turns({"person 0": [utterance(0)]}, 5, np.random.default_rng(0))) == 5


def test_equal_error_rate_counts_pairs_of_two_recordings() -> None:
    """Voices that never agree with others have none; a single recording gives no pair."""
    apart = [utterance(person, clip=f"{person} {clip}") for person in (0, 1) for clip in "ab"]
    assert equal_error_rate(apart) == (0.0, 2)
    alike = [utterance(person, direction=0, clip=f"{person} {clip}") for person in (0, 1) for clip in "ab"]
    assert equal_error_rate(alike)[0] == 0.5
    assert math.isnan(equal_error_rate([utterance(0), utterance(1)])[0])


def test_people_with_one_recording_and_groups_take_no_part() -> None:
    """Nor do recordings without a speaker's name, which stand for themselves."""
    speakers = ["ann", "ann", "bob", "corpus-unknown", "corpus-unknown", "a.wav", "ann and bob", "ann and bob"]
    clips = [Clip(Path("a.wav"), "en", "text", 1.0, speaker) for speaker in speakers]
    assert [*by_speaker(clips)] == ["ann"]
