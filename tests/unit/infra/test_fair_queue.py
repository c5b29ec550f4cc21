"""The order of the waiting items."""

import threading

from infra.fair_queue import FairQueue


def filled(*waiting: tuple[int, str, str]) -> FairQueue[str]:
    queue: FairQueue[str] = FairQueue()
    for priority, session, item in waiting:
        queue.put(item, priority, session)
    return queue


def test_the_most_urgent_goes_first() -> None:
    queue = filled((9, "a", "interim"), (3, "a", "partial"), (0, "b", "final"))
    assert queue.take(2) == ["final", "partial"]
    assert queue.take(2) == ["interim"]


def test_each_session_in_its_turn() -> None:
    """Bob waits for one of Alice's utterances, not for all that she sent before."""
    queue = filled((0, "alice", "a1"), (0, "alice", "a2"), (0, "alice", "a3"), (0, "bob", "b1"), (0, "carol", "c1"))
    assert queue.take(2) == ["a1", "b1"]
    queue.put("b2", 0, "bob")
    assert queue.take(9) == ["c1", "a2", "b2", "a3"]


def test_more_urgent_items_are_found() -> None:
    queue = filled((3, "a", "partial"))
    assert queue.has_more_urgent(9)
    assert not queue.has_more_urgent(3)
    queue.take(1)
    assert not queue.has_more_urgent(9)
    assert len(queue) == 0


def test_a_closed_queue_gives_out_nothing() -> None:
    """Neither to a thread that waits already nor later."""
    queue: FairQueue[str] = FairQueue()
    threading.Timer(0.05, queue.close).start()
    assert queue.take(5) == []
    queue.put("late", 0, "a")
    assert queue.take(5) == []


def test_taking_waits_for_an_item() -> None:
    queue: FairQueue[str] = FairQueue()
    threading.Timer(0.05, queue.put, ("late", 0, "a")).start()
    assert queue.take(5) == ["late"]
