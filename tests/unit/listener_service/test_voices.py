"""Which utterances are one voice: found as they come, bounded, and revised when two voices turn out to be one."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.voiceprints import Vector, Voiceprint
from listener_service.sentences import Sentence, linked
from listener_service.voices import MOST, Heard, Voices, labelled
from tests.support.speakers import failed, final, no_speech
from wire.messages.results import Final, SegmentEnd

NUMBERS = 192
MODEL = "campplus 0123456789ab"


def unit(vector: Vector) -> Vector:
    scaled: Vector = (vector / np.linalg.norm(vector)).astype(np.float32)
    return scaled


def person(number: int) -> Vector:
    """People whose voices have nothing in common."""
    vector: Vector = np.eye(NUMBERS, dtype=np.float32)[number]
    return vector


def said(who: Vector, seconds: float = 3.0, noise: float = 0.5, seed: int = 0) -> Voiceprint:
    """An utterance: the voice, and as much else that no other utterance has."""
    other = unit(np.random.default_rng(seed).normal(size=NUMBERS).astype(np.float32))
    return Voiceprint.of(MODEL, seconds, unit(who + noise * other))


def hear_all(voiceprints: Sequence[Voiceprint | None], voices: Voices | None = None) -> tuple[Voices, list[Heard]]:
    """Store and read the state between two utterances, as the listener does."""
    voices, heard = voices or Voices(), []
    for voiceprint in voiceprints:
        voices, each = Voices.model_validate_json(voices.model_dump_json()).hear(voiceprint)
        heard.append(each)
    return voices, heard


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
@settings(deadline=None, max_examples=50)
def test_people_in_any_order_are_numbered_as_they_appear(order: list[int]) -> None:
    """Each person has one number, the numbers are 1, 2, … and nobody shares one."""
    _, heard = hear_all([said(person(who), seed=place) for place, who in enumerate(order)])
    numbers = {who: place for place, who in enumerate(dict.fromkeys(order), start=1)}
    assert [each.voice for each in heard] == [numbers[who] for who in order]
    assert not any(each.merged for each in heard)


def test_a_single_person_is_one_voice_for_hours() -> None:
    """Also if much of each vector is of the words: the mean becomes more certain, and the state no larger."""
    voices, heard = hear_all([said(person(0), noise=0.8, seconds=4.0)])
    begun = len(voices.model_dump_json())
    voices, heard = hear_all([said(person(0), noise=0.8, seconds=4.0, seed=place) for place in range(1, 400)], voices)
    assert {each.voice for each in heard} <= {1, *range(2, MOST + 2)}
    assert [each.voice for each in heard][-200:] == [1] * 200
    assert len(voices.model_dump_json()) < begun * MOST


def test_two_voices_that_turn_out_to_be_one_become_the_one_with_the_lower_number() -> None:
    """The final that shows it says so; the higher number is not given again."""
    one, far = person(0), unit(person(0) + 2.2 * person(1))
    between = unit(person(0) + 0.7 * person(1))
    voices, heard = hear_all([said(one, noise=0), said(far, noise=0), said(person(5), noise=0)])
    assert [each.voice for each in heard] == [1, 2, 3]
    voices, heard = hear_all([said(between, noise=0, seconds=4.0)] * 3, voices)
    assert {1} == {heard[-1].voice}
    assert [each.merged for each in heard if each.merged] == [{2: 1}]
    voices, heard = hear_all([said(person(9), noise=0), said(person(5), noise=0)], voices)
    assert [each.voice for each in heard] == [4, 3]


def test_at_most_eight_voices_are_kept() -> None:
    """More people are not told apart, and the state stays small."""
    voices, heard = hear_all([said(person(who)) for who in range(30)])
    assert len(voices.voices) == MOST == max(each.voice or 0 for each in heard)
    assert all(each.voice for each in heard)
    assert len(voices.model_dump_json()) < 4_000


def test_a_short_utterance_begins_no_voice() -> None:
    """It has the nearest one; the first of a session has none."""
    short = said(person(3), seconds=0.5)
    _, heard = hear_all([short, said(person(0)), said(person(1)), short, said(person(1), seconds=0.4, noise=2)])
    assert [each.voice for each in heard][:3] == [None, 1, 2]
    assert heard[3].voice in (1, 2)
    assert heard[4].voice == 2


def test_a_text_without_a_voiceprint_has_no_voice() -> None:
    """Such as one of a worker that tells no speakers apart; nothing changes."""
    before, _ = hear_all([said(person(0))])
    after, heard = hear_all([None], before)
    assert (after, heard) == (before, [Heard(None, {})])


def test_vectors_of_another_model_begin_new_voices() -> None:
    """They cannot be compared; numbers are not used again."""
    other = said(person(0)).model_copy(update={"model": "another"})
    voices, heard = hear_all([said(person(0)), other, other])
    assert [each.voice for each in heard] == [1, 2, 2]
    assert [voice.number for voice in voices.voices] == [2]


@given(st.lists(st.tuples(st.integers(0, 6), st.floats(0.1, 8), st.floats(0, 3)), max_size=40))
@settings(deadline=None, max_examples=100)
def test_whatever_is_said_the_numbers_are_consistent(utterances: list[tuple[int, float, float]]) -> None:
    """A number is of a known voice, no number exceeds that of the utterances, and one that is gone does not return."""
    gone: set[int] = set()
    voices = Voices()
    for place, (who, seconds, noise) in enumerate(utterances, start=1):
        voices, heard = voices.hear(said(person(who), seconds, noise, place))
        assert not gone & set(heard.merged)
        gone |= set(heard.merged)
        known = [voice.number for voice in voices.voices]
        assert not gone & {*known, *heard.merged.values()}
        assert heard.voice is None or heard.voice in known
        assert known == sorted(set(known))
        assert len(known) <= MOST
        assert voices.last <= place
        assert all(former > into for former, into in heard.merged.items())


def test_only_finals_get_voices() -> None:
    """In the order of the segments; other ends pass by."""
    ends: list[SegmentEnd] = [final(0), no_speech(1), final(2), failed(3), final(4), final(5)]
    prints = {0: said(person(0)), 2: said(person(1)), 4: said(person(0), seed=7)}
    voices, released = labelled(Voices(), ends, prints)
    assert [end.voice for end in released if isinstance(end, Final)] == [1, 2, 1, None]
    assert [end.segment for end in released] == list(range(6))
    assert len(voices.voices) == 2


def sentence_of(voice: int | None) -> Sentence:
    return Sentence(segment=0, first_segment=0, next_segment=1, language="en", sentiment=None, at=0.0, voice=voice)


@pytest.mark.parametrize(
    ("before", "voice", "merged", "continues"),
    [
        (1, 1, {}, True),
        (1, 2, {}, False),
        (None, 2, {}, True),
        (1, None, {}, True),
        (2, 1, {2: 1}, True),
        (2, 1, {3: 1}, False),
    ],
)
def test_a_sentence_is_said_by_one_voice(
    before: int | None, voice: int | None, merged: dict[int, int], continues: bool
) -> None:
    """Where both are known; voices that become one with the final are the same."""
    end = final(1).continuing(0, 0, "so far").said_by(voice, merged)
    assert isinstance(end, Final)
    result = linked(sentence_of(before), end)
    assert isinstance(result, Final)
    assert result.continues is continues


def test_likeness_does_not_depend_on_the_order_of_two_utterances() -> None:
    """Of the same two utterances in either order, both are one voice or both are two."""
    for first, second in pairwise([said(person(0), noise=each / 4, seed=each) for each in range(12)]):
        one, other = hear_all([first, second])[1], hear_all([second, first])[1]
        assert [each.voice for each in one] == [each.voice for each in other]
