"""Results come in any order and more than once; each leaves once, in the order in which it was said."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from listener_service.order import Order
from tests.support.speakers import failed, final, no_speech
from wire.messages.results import Final, NoSpeech, SegmentFailed

KINDS: list[Callable[[int], Final | NoSpeech | SegmentFailed]] = [final, no_speech, failed]


@given(st.integers(1, 12).flatmap(lambda count: st.tuples(st.just(count), st.permutations(range(count)))), st.data())
def test_any_order_with_duplicates_leaves_once_and_in_order(case: tuple[int, list[int]], data: st.DataObject) -> None:
    """Whatever comes when, what is released are the segments 0, 1, 2… without holes or repeats."""
    count, permutation = case
    repeats = data.draw(st.lists(st.integers(0, count - 1), max_size=10))
    arrivals = list(permutation)
    for segment in repeats:
        arrivals.insert(data.draw(st.integers(0, len(arrivals))), segment)
    order, released = Order(), []
    for segment in arrivals:
        known = segment < order.next_segment or segment in order.waiting
        acceptance = order.accept(KINDS[segment % 3](segment))
        assert (acceptance.outcome == "duplicate") == known
        assert (acceptance.outcome == "released") == bool(acceptance.released)
        order = Order.model_validate_json(acceptance.order.model_dump_json())  # as it is kept between two results
        released += acceptance.released
        assert [end.segment for end in released] == list(range(order.next_segment))
    assert released == [KINDS[segment % 3](segment) for segment in range(count)]
    assert order == Order(next_segment=count)


def test_a_result_waits_for_the_one_before() -> None:
    """Segment 1 is not shown before segment 0; then both are, together."""
    waiting = Order().accept(final(1))
    assert (waiting.outcome, waiting.released) == ("waiting", [])
    both = waiting.order.accept(failed(0))
    assert both.released == [failed(0), final(1)]


def test_the_first_result_counts() -> None:
    """A second end of the same utterance, of another kind, changes nothing."""
    first = Order().accept(final(0)).order
    for later in (failed(0), no_speech(0), final(0, text="something else")):
        assert first.accept(later).outcome == "duplicate"
    waiting = Order().accept(final(1)).order
    assert waiting.accept(failed(1)).order.waiting == {1: final(1)}


def test_an_order_is_never_changed_in_place() -> None:
    """A plan that is not carried out leaves no trace."""
    order = Order()
    order.accept(final(3))
    order.accept(final(0))
    assert order == Order()


def test_all_kinds_of_ends_survive_waiting() -> None:
    """What waits in Redis comes back as what it was."""
    order = Order()
    for segment, kind in ((1, final), (2, no_speech), (3, failed)):
        order = Order.model_validate_json(order.accept(kind(segment)).order.model_dump_json())
    released = order.accept(final(0)).released
    assert [type(end) for end in released] == [Final, Final, NoSpeech, SegmentFailed]


def test_a_record_that_cannot_be_read_does_not_show_what_was_said() -> None:
    """What waits holds texts; an error about it ends up in the log, so it holds none."""
    stored = Order().accept(final(1, text="only between us")).order.model_dump_json()
    with pytest.raises(ValidationError) as refused:
        Order.model_validate_json(stored.replace('"language":"en"', '"language":["only between us"]'))
    assert "only between us" not in str(refused.value)
