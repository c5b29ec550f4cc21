"""Finals of one sentence: a final goes on with the newest sentence exactly if its worker joined it with that one."""

import json
from collections.abc import Sequence
from itertools import pairwise

import pytest

from listener_service.order import Order
from listener_service.sentences import after, linked
from tests.support.speakers import failed, final, no_speech, sentiment
from wire.messages.results import Final, NoSpeech, SegmentFailed

End = Final | NoSpeech | SegmentFailed

MOOD = sentiment()


def text(segment: int, *before: int, language: str = "en", judged: bool = True) -> Final:
    """A final that its worker joined with those of these segments."""
    end = final(segment, mood=MOOD if judged else None, language=language)
    return end.continuing(before[-1], before[0], "the whole sentence") if before else end


def released(results: Sequence[End]) -> dict[int, int | None]:
    """Segment of each final → segment of the one that it continues, as it is released."""
    sentence, found = None, {}
    for result in results:
        end = linked(sentence, result)
        sentence = after(sentence, end, {})
        if isinstance(end, Final):
            found[end.segment] = end.continued_segment
            assert end.continues == (end.continued_segment is not None) == (end.sentence is not None)
            assert end.continues == (end.first_segment is not None)
            assert end.text == "good morning everybody"
    return found


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([text(0), text(1, 0), text(2, 0, 1)], {0: None, 1: 0, 2: 1}),
        ([text(0), no_speech(1), text(2, 0), no_speech(3), no_speech(4), text(5, 0, 2)], {0: None, 2: 0, 5: 2}),
        ([text(0), text(1), text(2, 1)], {0: None, 1: None, 2: 1}),
        ([text(0), failed(1), text(2, 0), text(3, 0, 2)], {0: None, 2: None, 3: None}),
        ([text(0), text(1), text(2, 0), text(3, 0, 2), text(4)], {0: None, 1: None, 2: None, 3: None, 4: None}),
        ([text(0), text(1), text(2, 0, 1)], {0: None, 1: None, 2: None}),
        ([text(0), text(1, 0), text(2, 1)], {0: None, 1: 0, 2: None}),
        ([text(0), text(1, 0, language="ko"), text(2, 0, 1)], {0: None, 1: None, 2: None}),
        ([text(0, judged=False), text(1, 0), text(2, 0, 1)], {0: None, 1: None, 2: None}),
        ([text(0), text(1, 0, judged=False), text(2, 1)], {0: None, 1: None, 2: None}),
        ([text(0, judged=False), text(1, 0, judged=False)], {0: None, 1: 0}),
        ([text(3, 2), text(4, 2, 3), text(5), text(6, 5)], {3: None, 4: None, 5: None, 6: 5}),
    ],
    ids=[
        "three texts",
        "no speech between",
        "a sentence after another",
        "a failed one between",
        "one that came late, analysed without it",
        "one before was analysed alone",
        "one was analysed without the beginning",
        "another language",
        "no sentiment before",
        "no sentiment after",
        "no sentiment at all",
        "the state was lost",
    ],
)
def test_a_final_goes_on_with_the_newest_sentence_or_with_none(
    results: Sequence[End], expected: dict[int, int | None]
) -> None:
    """Its sentence holds the texts of the finals that it is chained to, and no other text."""
    assert released(results) == expected


def test_results_that_do_not_continue_are_released_as_they_came() -> None:
    """Nothing is added to them or taken away."""
    sentence = None
    for result in (final(0), no_speech(1), failed(2), final(3, mood=MOOD)):
        assert linked(sentence, result) == result
        sentence = after(sentence, result, {})


def test_the_newest_sentence_is_stored_without_its_text() -> None:
    """Only what is counted again when it goes on."""
    sentence = after(None, text(0), {})
    for before, end in pairwise([text(0), text(1, 0)]):
        sentence = after(sentence, linked(sentence, end), {})
        assert sentence is not None
        assert (sentence.first_segment, sentence.segment, sentence.at) == (0, 1, before.clock.speech_end)
    stored = Order(next_segment=2, sentence=sentence).model_dump_json()
    assert "good" not in stored
    assert "whole sentence" not in stored
    assert Order.model_validate_json(stored).newest_sentence == sentence


def test_a_sentence_is_over_if_an_older_listener_has_released_results_since() -> None:
    """It keeps the record as it is and moves the next segment; nothing is known of what it released."""
    sentence = after(None, text(0), {})
    assert Order(next_segment=1, sentence=sentence).newest_sentence == sentence
    assert Order(next_segment=2, sentence=sentence).newest_sentence is None


def test_an_order_that_an_older_listener_stored_has_no_sentence() -> None:
    """The next final begins one."""
    stored = json.loads(Order(next_segment=3).model_dump_json())
    del stored["sentence"]
    order = Order.model_validate(stored)
    assert order.newest_sentence is None
    assert linked(order.newest_sentence, text(3, 2)) == text(3)


def test_a_waiting_result_keeps_what_its_worker_joined() -> None:
    """It is linked when it is released."""
    order = Order().accept(text(1, 0)).order
    order = Order.model_validate_json(order.model_dump_json())
    assert order.accept(text(0)).released == [text(0), text(1, 0)]


def test_a_text_without_a_voice_has_that_of_the_sentence_that_it_goes_on_with() -> None:
    """Such as one that is too short for a voice; also after voices have become one, and in no other sentence."""
    first, second, third = (text(0).said_by(3, {}), text(1, 0), text(2, 0, 1).said_by(1, {3: 1}))
    sentence, voices = None, []
    for result in (first, second, third, text(3, 0, 1, 2), text(4)):
        end = linked(sentence, result)
        sentence = after(sentence, end, {})
        assert isinstance(end, Final)
        voices.append((end.voice, end.continues))
    assert voices == [(3, False), (3, True), (1, True), (1, True), (None, False)]
