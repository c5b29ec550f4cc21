"""Turning points, and the most positive and most negative sentence, as a recount of what was released finds them."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener_service import extremes as module
from listener_service.counts import Counts
from listener_service.tally import Tally
from listener_service.timeline import PPM, Bucket, valence_ppm
from listener_service.turning_points import MAX_TURNS, turning_points
from tests.support.speakers import ALICE, BOB, clock, final, sentiment
from wire.messages.results import Final
from wire.messages.statistics import NotableSentence

MOODS = [sentiment("positive", 0.95), sentiment("negative", 0.9), sentiment("neutral", 0.8), None]


def timeline(*valences: float, count: int = 1) -> list[Bucket]:
    """One point for each valence, a second apart."""
    return [
        Bucket(at=float(at), count=count, valence_ppm=round(count * PPM * valence))
        for at, valence in enumerate(valences)
    ]


@pytest.mark.parametrize(
    ("valences", "turns"),
    [
        ([], []),
        ([0.5] * 9, []),
        ([0.6] * 4 + [-0.6] * 6, [(5.0, -0.2)]),
        ([0.6] * 4 + [-0.6] * 2 + [0.6] * 6, []),
        ([0.6] * 4 + [-0.1] * 9, []),
        ([-0.6] * 5 + [0.0] * 9 + [0.6] * 5, [(14.0, 0.2)]),
        ([0.6] * 5 + [-0.6] * 5 + [0.6] * 5, [(6.0, -0.2), (11.0, 0.2)]),
        ([-0.2, 0.6, 0.6, 0.6, 0.6], []),
    ],
    ids=["nothing", "one sign", "a change", "an outlier", "to nothing", "through nothing", "there and back", "a start"],
)
def test_a_turning_point_is_a_new_sign_that_stays(valences: list[float], turns: list[tuple[float, float]]) -> None:
    """Smoothed over three sentences and beyond the dead zone, for three sentences or more."""
    found = [(turn.at, turn.valence) for turn in turning_points(timeline(*valences))]
    assert [at for at, _ in found] == [at for at, _ in turns]
    assert all(valence * expected > 0 for (_, valence), (_, expected) in zip(found, turns, strict=True))


def test_a_point_of_many_sentences_lasts_by_itself() -> None:
    """Late in a long conversation; the newest turning points are kept."""
    valences = [0.5, -0.5] * 30
    found = turning_points(timeline(*valences, count=5))
    assert [turn.at for turn in found] == [float(at) for at in range(60 - MAX_TURNS, 60)]


def said(session: str, drawn: Sequence[tuple[int, bool]]) -> list[Final]:
    """The finals of a session; those that go on do so with the final before."""
    ends: list[Final] = []
    first = 0
    for segment, (mood, goes_on) in enumerate(drawn):
        end = final(segment, session, room="kitchen", mood=MOODS[mood])
        end = end.model_copy(update={"clock": clock(1_000.0 + 3 * segment + (session == BOB))})
        before = ends[-1] if ends else None
        if goes_on and before is not None and (before.sentiment is None) == (end.sentiment is None):
            end = end.continuing(segment - 1, first, "a sentence")
        else:
            first = segment
        ends.append(end)
    return ends


def recount(ends: Sequence[Final]) -> tuple[NotableSentence | None, NotableSentence | None]:
    """Find both among all sentences, each with its last sentiment."""
    begun = {(end.session_id, end.segment): end.clock.speech_end for end in ends if not end.continues}
    last = {(end.session_id, end.segment if end.first_segment is None else end.first_segment): end for end in ends}
    judged = sorted(
        (begun[place], *place, valence_ppm(end.sentiment)) for place, end in last.items() if end.sentiment is not None
    )
    found = []
    for sign in (1, -1):
        best = max((each for each in judged if sign * each[3] > 0), key=lambda each: sign * each[3], default=None)
        at, session_id, segment, valence = best or (0.0, ALICE, 0, 0)
        notable = NotableSentence(session_id=session_id, segment=segment, at=at, valence=round(valence / PPM, 3))
        found.append(notable if best else None)
    return found[0], found[1]


drawn = st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12)


@given(drawn, drawn, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_extremes_equal_a_recount_in_any_order_of_release(
    alice: list[tuple[int, bool]], bob: list[tuple[int, bool]], random: object
) -> None:
    """Two sessions, each in its order; a sentence that goes on may lose its place to another one."""
    queues = {ALICE: said(ALICE, alice), BOB: said(BOB, bob)}
    everything = queues[ALICE] + queues[BOB]
    sentences: dict[str, Counts] = {name: Counts({"room": Tally()}, None, 20, 100) for name in queues}
    tally = Tally()
    while any(queues.values()):
        name = random.choice([name for name, queue in queues.items() if queue])  # type: ignore[attr-defined]
        counts = Counts({"room": tally}, sentences[name].sentence, 20, 100)
        sentences[name], _ = counts.add([queues[name].pop(0)])
        tally = Tally.model_validate_json(sentences[name].tallies["room"].model_dump_json())
    found = tally.statistics("room", room="kitchen", trend_window=20)
    assert (found.most_positive, found.most_negative) == recount(everything)


def test_many_sessions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that spoke longest ago are certain then."""
    monkeypatch.setattr(module, "MAX_OPEN", 3)
    tally = Tally()
    ends = [final(0, f"{n:032x}", mood=sentiment("positive", 0.4 + n * 7 % 10 / 20)) for n in range(10)]
    for end in ends:
        tally = tally.add(end, trend_window=20, latency_window=100)
    assert len(tally.extremes.newest) == 3
    assert tally.extremes.sentences() == recount(ends)
