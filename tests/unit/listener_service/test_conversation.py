"""The talk of a room: in any order of release exactly as a plain recount of all utterances."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener_service import conversation as module
from listener_service.conversation import MAX_PEOPLE, MAX_RECENT, MAX_ROWS, Conversation
from tests.support.recounts import Said, recount
from tests.support.speakers import ALICE, clock, final
from wire.messages.base import Speaker

BEGAN_MS = 1_790_000_000_000
ANNA, BEN, CLEO = "a" * 16, "b" * 16, "c" * 16


def conversation(said: Sequence[Said], stored: Conversation | None = None) -> Conversation:
    """Count utterances in this order; between two of them the state is stored as in Redis."""
    found = stored or Conversation()
    for each in said:
        end = final(text="one two three").model_copy(
            update={
                "start_ms": each.start_ms,
                "end_ms": each.end_ms,
                "clock": clock(BEGAN_MS / 1000 + each.end_ms / 1000),
            }
        )
        found = found.add(end, Speaker(person=each.person), BEGAN_MS)
        found = Conversation.model_validate_json(found.model_dump_json())
    return found


utterances = st.builds(
    lambda person, start, length: Said(person, 250 * start, 250 * (start + length)),
    st.sampled_from([ANNA, ANNA, BEN, CLEO]),
    st.integers(0, 120),
    st.integers(0, 20),
)


@given(st.lists(utterances, max_size=25).flatmap(lambda said: st.tuples(st.just(said), st.permutations(said))))
@settings(deadline=None)
def test_any_order_of_release_equals_a_recount(case: tuple[list[Said], list[Said]]) -> None:
    """To the millisecond, also where people begin at the same moment or talk on two devices."""
    said, shuffled = case
    assert conversation(shuffled).figures() == conversation(said).figures() == recount(said)


@given(st.lists(utterances, min_size=30, max_size=60, unique=True), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_what_comes_late_within_the_window_equals_a_recount(said: list[Said], random: object) -> None:
    """Most utterances are counted for good then, and only the newest are kept."""
    assert random
    ordered = sorted(said, key=lambda each: (each.start_ms, each.end_ms, each.person))
    window, arriving = 16, []
    for first in range(0, len(ordered), window // 2):
        piece = ordered[first : first + window // 2]
        random.shuffle(piece)  # type: ignore[attr-defined]
        arriving += piece
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_RECENT", window)
        found = conversation(arriving)
    assert window // 2 <= len(found.recent) <= window
    assert found.figures() == recount(said)


def test_turns_overlap_and_interruptions_are_those_of_the_protocol() -> None:
    """Anna talks; Ben's short answer within is no interruption, his longer one is; Cleo answers quickly."""
    said = [
        Said(ANNA, 0, 5_000),
        Said(BEN, 2_000, 2_800),  # "mhm"
        Said(ANNA, 6_500, 10_000),
        Said(BEN, 8_000, 13_000),  # goes on after Anna
        Said(CLEO, 12_500, 14_000),  # begins half a second before Ben's silence is over
        Said(CLEO, 15_900, 17_000),
    ]
    found = conversation(said).figures()
    assert [(one.talk_ms, one.longest_monologue_ms, one.interruptions, one.overlap_ms) for one in found.people] == [
        (8_500, 5_000, 0, 2_800),
        (5_800, 5_000, 1, 3_300),
        (2_600, 4_500, 0, 500),
    ]
    assert (found.silence_ms, found.overlap_ms) == (3_400, 3_300)
    assert [one.share for one in found.people] == [0.503, 0.343, 0.154]
    assert [one.words_per_minute for one in found.people] == [42.4, 62.1, 138.5]


def test_an_utterance_that_came_too_late_counts_for_its_person_alone() -> None:
    """All that was in the window began after it, and what is counted for good is not changed."""
    said = [Said(ANNA, 1_000 * n, 1_000 * n + 500) for n in range(10, MAX_RECENT + 30)]
    before = conversation(said)
    after = conversation([Said(BEN, 0, 700)], before)
    assert len(after.recent) >= MAX_RECENT // 2
    ben, anna = after.figures().people
    assert (ben.person, ben.talk_ms, ben.words, ben.overlap_ms) == (BEN, 700, 3, 0)
    assert anna.model_copy(update={"share": 1.0}) == before.figures().people[0]
    assert after.figures().silence_ms == before.figures().silence_ms


def test_a_person_has_the_name_of_the_latest_utterance() -> None:
    """Whichever is released last; a name that was cleared is gone."""
    found = Conversation()
    for at, name in ((3, "Ben"), (9, None), (6, "Benjamin")):
        end = final(0).model_copy(update={"clock": clock(1_000.0 + at)})
        found = found.add(end, Speaker(person=BEN, name=name, role=name and "agent"), BEGAN_MS)
        (row,) = found.figures().people
        assert (row.name, row.role) == (("Ben", "agent") if at == 3 else (None, None))


def test_a_room_of_many_people_has_bounds() -> None:
    """Of those beyond the hundredth only the time counts; half of the others is shown."""
    said = [Said(f"{n:016x}", 1_000 * n, 1_000 * n + 100 + n) for n in range(MAX_PEOPLE + 50)]
    found = conversation(said)
    rows = found.figures().people
    assert (len(found.people), len(rows)) == (MAX_PEOPLE + 1, MAX_ROWS)
    assert [row.person for row in rows] == [f"{n:016x}" for n in range(MAX_PEOPLE - MAX_ROWS, MAX_PEOPLE)]
    assert sum(person.talk_ms for person in found.people.values()) == sum(each.end_ms - each.start_ms for each in said)


def test_the_state_stays_small() -> None:
    """Twenty people who have talked for hours: it is written with every utterance."""
    people = [f"{n:016x}" for n in range(20)]
    said = [Said(people[n % 20], 3_000 * n, 3_000 * n + 4_000) for n in range(1_000)]
    found = conversation(said)
    assert len(found.model_dump_json()) < 8_000
    assert len(found.figures().model_dump_json()) < 5_000
    assert ALICE not in found.model_dump_json()


def test_a_state_of_a_newer_listener_keeps_its_fields() -> None:
    """In the conversation, its people and its talk."""
    found = conversation([Said(ANNA, 0, 1_000)]).model_dump(mode="json")
    for place in (found, found["people"][ANNA], found["settled"]):
        place["from_the_future"] = 1
    again = conversation([Said(ANNA, 2_000, 3_000)], Conversation.model_validate(found)).model_dump(mode="json")
    assert all("from_the_future" in place for place in (again, again["people"][ANNA], again["settled"]))
