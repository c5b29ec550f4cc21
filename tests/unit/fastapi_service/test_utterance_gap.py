"""``UtteranceEnd``: no word for so long."""

import pytest

from fastapi_service.api.deepgram.utterance_gap import UtteranceGap


def spoken(gap_ms: int | None = 1_000) -> UtteranceGap:
    """A talker whose last word ended after 2 s."""
    gap = UtteranceGap(gap_ms)
    gap.begin(0, 500)
    gap.end(0, 2_000)
    return gap


@pytest.mark.parametrize(("position_ms", "is_due"), [(2_900, False), (3_000, True), (9_000, True)])
def test_gap_is_due_so_long_after_the_last_word(position_ms: int, is_due: bool) -> None:
    """By the audio that came, not by the clock on the wall."""
    assert spoken().is_due(position_ms) is is_due


def test_gap_is_sent_once() -> None:
    """Until the next word."""
    gap = spoken()
    assert gap.take() == 2_000
    assert not gap.is_due(9_000)
    gap.begin(1, 7_000)
    gap.end(1, 8_000)
    assert gap.is_due(9_000)


def test_gap_waits_for_the_text_of_an_open_utterance() -> None:
    """Its last word may be later."""
    gap = spoken()
    gap.begin(1, 2_500)
    assert not gap.is_due(9_000)
    gap.end(1, None)
    assert gap.is_due(9_000)


def test_gap_before_an_open_utterance_is_due() -> None:
    """Its beginning shows that no word came before; also when the text before it was late."""
    gap = spoken()
    gap.begin(1, 3_000)
    assert gap.is_due(9_000)


@pytest.mark.parametrize("gap_ms", [None, 0])
def test_gap_without_a_length_is_never_due(gap_ms: int | None) -> None:
    """The client did not ask for it."""
    assert not spoken(gap_ms).is_due(99_000)
