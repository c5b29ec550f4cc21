"""Texts that turned out to be one sentence: the last mark of the first one is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.sentence_ends import MARKS, is_finished, joined, last_mark

signs = st.text(st.sampled_from(MARKS + " ab,\"'”」)네は\n"), max_size=12)


@pytest.mark.parametrize(
    ("before", "text", "language", "sentence"),
    [
        ("Ask not.", "what your country", "en", "Ask not what your country"),
        ("Ask not,", "what your country", "en", "Ask not, what your country"),
        ("Ask not", "what your country", "en", "Ask not what your country"),
        ("Well...", "I see.", "en", "Well I see."),
        ("Well…", "I see.", "en", "Well I see."),
        ("Really?!", "he said", "en", "Really he said"),
        ('He said "no."', "and left.", "en", 'He said "no" and left.'),
        ("(He left.)", "and came back", "en", "(He left) and came back"),
        ("„Das ist gut.“", "sagte er", "de", "„Das ist gut“ sagte er"),
        ("Vraiment ?", "dit-il", "fr", "Vraiment dit-il"),
        ("« Vraiment ? »", "dit-il", "fr", "« Vraiment » dit-il"),
        ("今日は。", "休みです。", "ja", "今日は休みです。"),
        ("「行きます。」", "と言った。", "ja", "「行きます」と言った。"),
        ("회의는.", "다섯 시에 시작합니다.", "ko", "회의는 다섯 시에 시작합니다."),
        ("क्या हुआ।", "वह", "hi", "क्या हुआ वह"),
        ("هل أنت هنا؟", "نعم", "ar", "هل أنت هنا نعم"),
        ("Πού είσαι;", "εδώ", "el", "Πού είσαι εδώ"),
        ("first this;", "then that", "en", "first this; then that"),
        ("...", "and then", "en", "and then"),
        ("", "and then", "en", "and then"),
        ("and then", "", "en", "and then"),
    ],
)
def test_two_texts_are_one_sentence(before: str, text: str, language: str, sentence: str) -> None:
    """Only what ends a sentence is left out, also before quotation marks and brackets; a comma stays."""
    assert joined(before, text, language) == sentence


@given(signs)
def test_what_is_left_out_is_marks_and_spaces(text: str) -> None:
    """Nothing that somebody said, and nothing at all of a text that is not finished."""
    start, end = last_mark(text)
    assert 0 <= start <= end <= len(text)
    assert set(text[start:end]) <= {*MARKS, " ", "\n"}
    assert (start < end) == is_finished(text)


@given(st.lists(signs, min_size=3, max_size=3))
def test_joining_from_the_left_loses_no_letter(texts: list[str]) -> None:
    """However the texts end."""
    first, second, third = texts
    sentence = joined(joined(first, second, "en"), third, "en")
    letters = [sign for sign in sentence if sign.isalpha()]
    assert letters == [sign for sign in "".join(texts) if sign.isalpha()]
