"""The order of a session: results arrive in any order and repeatedly; each is released once, in segment order."""

import json
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
def test_order_of_shuffled_results_releases_each_once_in_order(
    case: tuple[int, list[int]], data: st.DataObject
) -> None:
    """The released segments are 0, 1, 2… without gaps or repeats."""
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
        order = Order.model_validate_json(acceptance.order.model_dump_json())  # as it is stored between two results
        released += acceptance.released
        assert [end.segment for end in released] == list(range(order.next_segment))
    assert released == [KINDS[segment % 3](segment) for segment in range(count)]
    assert order == Order(next_segment=count)


def test_order_keeps_a_result_until_the_one_before_arrives() -> None:
    """Segment 1 is not released before segment 0; then both are, together."""
    waiting = Order().accept(final(1))
    assert (waiting.outcome, waiting.released) == ("waiting", [])
    both = waiting.order.accept(failed(0))
    assert both.released == [failed(0), final(1)]


def test_order_with_two_results_of_one_segment_keeps_the_first() -> None:
    """A second result of the same utterance, of another kind, changes nothing."""
    first = Order().accept(final(0)).order
    for later in (failed(0), no_speech(0), final(0, text="something else")):
        assert first.accept(later).outcome == "duplicate"
    waiting = Order().accept(final(1)).order
    assert waiting.accept(failed(1)).order.waiting == {1: json.loads(final(1).model_dump_json())}


def test_order_accept_leaves_the_order_unchanged() -> None:
    """A plan that is not written has no effect."""
    order = Order()
    order.accept(final(3))
    order.accept(final(0))
    assert order == Order()


def test_order_stores_waiting_results_of_all_kinds() -> None:
    """A result that waited in Redis keeps its type."""
    order = Order()
    for segment, kind in ((1, final), (2, no_speech), (3, failed)):
        order = Order.model_validate_json(order.accept(kind(segment)).order.model_dump_json())
    released = order.accept(final(0)).released
    assert [type(end) for end in released] == [Final, Final, NoSpeech, SegmentFailed]


def test_damaged_order_does_not_show_transcripts_in_its_error() -> None:
    """The record itself is damaged, not a waiting result in it."""
    with pytest.raises(ValidationError) as refused:
        Order.model_validate_json('{"next_segment": 0, "waiting": {"1": "only between us"}}')
    assert "only between us" not in str(refused.value)


def test_order_keeps_what_a_newer_listener_stored() -> None:
    """Unknown fields and types stay as they are while other results are added."""
    newer = json.loads(Order().accept(final(2)).order.model_dump_json())
    newer["urgent"] = [2]
    newer["waiting"]["2"]["mood"] = {"depth": 1}
    newer["waiting"]["3"] = {"type": "from_the_future", "segment": 3, "words": ["a"]}
    order = Order.model_validate(newer)
    after = json.loads(order.accept(final(4)).order.model_dump_json())
    assert after["waiting"].pop("4")["type"] == "final"
    assert after == newer
    released = json.loads(order.accept(final(0)).order.model_dump_json())
    assert released == newer | {"next_segment": 1}


def test_order_releases_nothing_before_a_result_of_unknown_type() -> None:
    """A newer listener has to release both; the state stays."""
    order = Order(waiting={1: {"type": "from_the_future"}})
    acceptance = order.accept(final(0))
    assert (acceptance.outcome, acceptance.order, acceptance.released) == ("unreadable", order, [])


def test_unreadable_order_does_not_show_transcripts_in_its_error() -> None:
    """Waiting results hold transcripts; the validation error is logged, so it must hold none."""
    stored = Order().accept(final(1, text="only between us")).order.model_dump_json()
    damaged = Order.model_validate_json(stored.replace('"language":"en"', '"language":["only between us"]'))
    with pytest.raises(ValidationError) as refused:
        damaged.accept(final(0))
    assert "only between us" not in str(refused.value)
