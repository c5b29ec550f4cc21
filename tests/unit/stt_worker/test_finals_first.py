"""Interim texts are begun only where no task of the queue is under way."""

import threading

import pytest

from stt_worker.scheduling.finals_first import FinalsFirst


@pytest.mark.parametrize(("room", "tasks", "fits"), [(1, 0, True), (1, 1, False), (4, 3, True), (4, 4, False)])
def test_an_interim_text_begins_where_there_is_room(room: int, tasks: int, fits: bool) -> None:
    """A model on a GPU transcribes several utterances at once."""
    finals = FinalsFirst()
    contexts = [finals.task() for _ in range(tasks)]
    for context in contexts:
        context.__enter__()
    with finals.interim(room) as begun:
        assert begun is fits
    for context in contexts:
        context.__exit__(None, None, None)
    with finals.interim(1) as begun:
        assert begun


def test_interim_texts_take_room_too() -> None:
    finals = FinalsFirst()
    with finals.interim(1) as first, finals.interim(1) as second:
        assert (first, second) == (True, False)
    assert finals.wait_for_room(1, 0)


def test_a_task_never_waits_for_an_interim_text() -> None:
    """It is counted at once; in front of the model it preempts."""
    finals = FinalsFirst()
    with finals.interim(1), finals.task():
        assert not finals.wait_for_room(1, 0)
    assert finals.wait_for_room(1, 0)


def test_the_end_of_a_task_wakes_what_waits_for_room() -> None:
    """Also if the task fails."""
    finals = FinalsFirst()
    woken = threading.Event()

    def wait() -> None:
        if finals.wait_for_room(1, 60):
            woken.set()

    def fail() -> None:
        with finals.task():
            threading.Thread(target=wait, daemon=True).start()
            assert not woken.wait(0.05)
            raise ValueError("failed")

    with pytest.raises(ValueError, match="failed"):
        fail()
    assert woken.wait(10)
