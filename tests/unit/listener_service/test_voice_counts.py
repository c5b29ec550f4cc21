"""Each voice of a microphone counts as a recount of the exported JSON does, also after voices have become one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener_service import voice_counts as module
from listener_service.counts import Counts
from listener_service.order import Order
from listener_service.tally import Tally
from listener_service.voice_counts import MAX_ROWS, PersonVoices, VoiceCounts
from listener_service.voices import MOST
from tests.support.speakers import ALICE, BOB, clock, failed, final, no_speech, sentiment
from tests.support.voice_recounts import exported, recounted_voices
from wire.messages.results import LABELS, Final, NoSpeech, SegmentFailed, Sentiment
from wire.messages.statistics import VoiceStatistics

End = Final | NoSpeech | SegmentFailed
WINDOW = 4
"""Sentences of the trend."""


@dataclass(frozen=True)
class Drawn:
    """A result of a session before its voice is numbered."""

    kind: str
    continues: bool
    mood: Sentiment | None
    pause_ms: int
    ms: int
    voice: int
    """The voice by its place: −1 for none; one more than there are is another one."""
    merges: list[tuple[int, int]]
    """Places of voices that become one."""


def mood_of(score: int, *, unsure: bool, zero_shot: bool) -> Sentiment:
    mood = sentiment(LABELS[score % 3], 0.4 + score % 59 / 100)
    return mood.model_copy(update={"unsure": unsure, "zero_shot": zero_shot})


moods = st.none() | st.builds(mood_of, st.integers(0, 500), unsure=st.booleans(), zero_shot=st.booleans())
places = st.integers(0, MOST - 1)
drawn = st.builds(
    Drawn,
    st.sampled_from([*["final"] * 6, "no speech", "failed"]),
    st.booleans(),
    moods,
    st.sampled_from([0, 300, 1_900, 2_000, 3_000]),
    st.sampled_from([0, 500, 1_000, 4_500]),
    st.integers(-1, 3),
    st.sampled_from([0, 0, 0, 1, 2]).flatmap(lambda n: st.lists(st.tuples(places, places), min_size=n, max_size=n)),
)


def numbered(live: list[int], last: int, each: Drawn) -> tuple[int | None, dict[int, int], list[int], int]:
    """Give a text its voice as the listener does: number, merged numbers, the voices after it, the last number."""
    voice = None
    if each.voice >= 0:
        is_new = each.voice >= len(live) < MOST
        last += is_new
        live = [*live, last] if is_new else live
        voice = live[each.voice % len(live)]
    merged: dict[int, int] = {}
    for one, other in each.merges if live else ():
        stays, gone = sorted((live[one % len(live)], live[other % len(live)]))
        if voice is not None and stays != gone:
            merged = {number: stays if into == gone else into for number, into in merged.items()} | {gone: stays}
            live = [number for number in live if number != gone]
            voice = merged.get(voice, voice)
    return voice, merged, live, last


def spoken(session: str, results: Sequence[Drawn]) -> list[End]:
    """The results of a session, with the voices that they get at their release."""
    ends: list[End] = []
    live: list[int] = []
    last = now_ms = 0
    chain: list[int] = []
    for segment, each in enumerate(results):
        start_ms, now_ms = now_ms + each.pause_ms, now_ms + each.pause_ms + each.ms
        times = {"start_ms": start_ms, "end_ms": now_ms, "clock": clock(1_000.0 + now_ms / 1000)}
        end: End = final(segment, session, mood=each.mood, text="a b " * (segment % 4))
        if each.kind != "final":
            end = no_speech(segment, session) if each.kind == "no speech" else failed(segment, session)
        if isinstance(end, Final):
            chain = chain if each.continues and chain else []
            end = end.continuing(chain[-1], chain[0], "…") if chain else end
            chain = [*chain, segment]
            voice, merged, live, last = numbered(live, last, each)
            end = end.said_by(voice, merged)
        ends.append(end.model_copy(update=times))
    return ends


@dataclass
class Listener:
    """The order and the counts of sessions, stored as in Redis between two results."""

    orders: dict[str, str] = field(default_factory=dict)
    voices: dict[str, str] = field(default_factory=dict)
    figures: dict[str, tuple[VoiceStatistics, ...]] = field(default_factory=dict)
    released: list[End] = field(default_factory=list)

    def take(self, result: End) -> None:
        session = result.session_id
        order = Order.model_validate_json(self.orders.get(session, "{}"))
        acceptance = order.accept(result)
        if acceptance.outcome == "duplicate":
            return
        voices = VoiceCounts.model_validate_json(self.voices.get(session, "{}"))
        counts = Counts({"session": Tally()}, order.newest_sentence, WINDOW, 0, voices=voices)
        counts, released = counts.add(acceptance.released)
        after = acceptance.order.model_copy(update={"sentence": counts.sentence})
        self.orders[session] = after.model_dump_json()
        assert counts.voices is not None
        self.voices[session] = counts.voices.model_dump_json()
        if released:
            self.figures[session] = counts.voice_figures
        self.released += released


@given(st.lists(drawn, max_size=16), st.lists(drawn, max_size=16), st.data())
@settings(deadline=None)
def test_voices_equal_a_recount_of_the_exported_json(alice: list[Drawn], bob: list[Drawn], data: st.DataObject) -> None:
    """Every figure of two sessions, in any order of arrival and with repeats, voices becoming one at any time."""
    said = spoken(ALICE, alice) + spoken(BOB, bob)
    repeats = data.draw(st.lists(st.sampled_from(said), max_size=6)) if said else []
    listener = Listener()
    for result in data.draw(st.permutations(said + repeats)):
        listener.take(result)
    assert len(listener.released) == len(said)
    entries = exported(listener.released)
    for session in (ALICE, BOB):
        assert listener.figures.get(session, ()) == recounted_voices(entries, session, WINDOW)


def conversation(voices: Sequence[int], merged: dict[int, dict[int, int]] | None = None) -> list[End]:
    """One sentence of two seconds for each voice, half a second apart, with voices that become one at a segment."""
    ends: list[End] = []
    for segment, voice in enumerate(voices):
        mood = sentiment(LABELS[segment * 7 % 3], 0.5 + segment % 40 / 100)
        times = {"start_ms": 2_500 * segment, "end_ms": 2_500 * segment + 2_000, "clock": clock(1_000.0 + segment)}
        end = final(segment, mood=mood).said_by(voice, (merged or {}).get(segment, {}))
        ends.append(end.model_copy(update=times))
    return ends


def listened(ends: Sequence[End]) -> Listener:
    listener = Listener()
    for end in ends:
        listener.take(end)
    return listener


@pytest.mark.parametrize("length", [29, 30, 31, 61, 150, 400])
def test_the_timelines_of_a_long_conversation_are_added_up_exactly(length: int) -> None:
    """However often their points were joined before two voices became one; the points are at the same times."""
    voices = [1 + (n * 31 + n * n // 7) % 4 for n in range(length)]
    ends = conversation([*voices, 1], {length: {4: 2}})
    listener = listened(ends)
    rows = listener.figures[ALICE]
    assert rows == recounted_voices(exported(listener.released), ALICE, WINDOW)
    assert [row.voice for row in rows] == [1, 2, 3]
    assert all(len(row.timeline) <= 30 for row in rows)
    assert sum(row.sentences for row in rows) == length + 1


def test_two_voices_in_turn_are_one_monologue_when_they_turn_out_to_be_one() -> None:
    """Their utterances stand next to each other then; a third voice between others still ends it."""
    ends = conversation([1, 2, 1, 2, 3, 1, 2, 2, 1, 1], {9: {2: 1}})
    listener = listened(ends[:-1])
    assert [row.longest_monologue_ms for row in listener.figures[ALICE]] == [2_000, 4_500, 2_000]
    listener.take(ends[-1])
    assert [row.longest_monologue_ms for row in listener.figures[ALICE]] == [12_000, 2_000]


def test_a_sentence_that_begins_without_a_voice_is_its_voices_as_a_whole() -> None:
    """A short first text is counted when the second one shows whose it is."""
    first, second = conversation([1, 2])
    assert isinstance(first, Final)
    assert isinstance(second, Final)
    listener = listened([first.said_by(None, {})])
    assert listener.figures[ALICE] == ()
    listener.take(second.continuing(0, 0, "…"))
    (row,) = listener.figures[ALICE]
    assert (row.voice, row.utterances, row.sentences, row.speech_ms, row.words) == (2, 2, 1, 4_000, 6)


def test_the_state_of_a_long_meeting_stays_small() -> None:
    """Eight voices, hours of talk in any order: it is written with every utterance."""
    voices = [1 + (n * 31 + n * n // 7) % MOST for n in range(1_500)]
    listener = listened(conversation(voices))
    assert len(listener.voices[ALICE]) < 20_000
    assert len(listener.figures[ALICE]) == MOST
    assert max(len(row.model_dump_json()) for row in listener.figures[ALICE]) < 3_000
    assert "good morning" not in listener.voices[ALICE]


def test_of_too_many_voices_the_one_that_was_silent_longest_is_forgotten() -> None:
    """After a change of the model all voices get new numbers."""
    listener = listened(conversation([*range(1, MOST + 1), 1, *range(MOST + 1, MOST + 4)]))
    assert [row.voice for row in listener.figures[ALICE]] == [1, *range(5, MOST + 4)]
    stored = json.loads(listener.voices[ALICE])
    settled = {1, *range(4, MOST + 3)}
    assert {int(voice) for point in stored["points"] for voice in point["parts"]} == settled
    assert {voice for voices, _ in stored["monologues"]["longest"] for voice in voices} == settled


def test_a_state_of_a_newer_listener_keeps_the_fields_of_its_own() -> None:
    """In the counts, their sums, points and monologues."""
    counts = json.loads(listened(conversation([1, 2, 1])).voices[ALICE])
    for place in (counts, counts["sums"]["1"], counts["points"][0], counts["monologues"], counts["newest"]):
        place["from_the_future"] = 1
    (end,) = conversation([1, 2, 1, 2])[3:]
    assert isinstance(end, Final)
    after = json.loads(VoiceCounts.model_validate(counts).add(end, None, WINDOW).model_dump_json())
    places_after = (after, after["sums"]["1"], after["points"][0], after["monologues"])
    assert all("from_the_future" in place for place in places_after)


def test_what_an_older_listener_released_is_missing_and_nothing_else() -> None:
    """The counts do not have the sentence that goes on; it counts from there."""
    first, second, third = conversation([1, 1, 2])
    listener = listened([first])
    assert isinstance(second, Final)
    order = Order.model_validate_json(listener.orders[ALICE])
    assert order.sentence is not None
    sentence = order.sentence.model_copy(update={"segment": 1, "next_segment": 2})
    order = order.model_copy(update={"next_segment": 2, "sentence": sentence})
    listener.orders[ALICE] = order.model_dump_json()
    assert isinstance(third, Final)
    listener.take(third.said_by(1, {}).continuing(1, 0, "…"))
    (row,) = listener.figures[ALICE]
    assert (row.utterances, row.sentences) == (2, 2)


def test_a_person_with_many_sessions_has_the_voices_of_the_newest() -> None:
    """Each session counts by itself; the message has a bound."""
    known = PersonVoices()
    rows = listened(conversation([1, 2, 3])).figures[ALICE]
    for number in range(6):
        known = known.having(
            f"{number:032x}", tuple(row.model_copy(update={"session_id": f"{number:032x}"}) for row in rows)
        )
    assert [row.session_id[-1] for row in known.figures] == [each for each in "12345" for _ in range(3)]
    assert len(known.figures) <= MAX_ROWS == module.MAX_ROWS
    again = known.having(f"{2:032x}", rows[:1])
    assert [row.voice for row in again.figures] == [1, 2, 3] * 4 + [1]
