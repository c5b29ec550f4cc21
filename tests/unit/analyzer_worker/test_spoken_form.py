"""Marks that a recognizer invents do not change the label."""

import pytest

from analyzer_worker.engines.spoken_form import spoken_form


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("The meeting starts at ten.", "the meeting starts at ten"),
        ("Well, yes... I think so.", "well yes i think so"),
        ("Is it 3.5 or 4,000?", "is it 3.5 or 4,000?"),
        ("I love it!", "i love it!"),
        ('He said: "no", and left.', "he said no and left"),
        ("Don't, it's at 5 a.m.", "don't it's at 5 a.m"),
        ("„Das ist gut“, sagte Ümit.", "das ist gut sagte ümit"),
        ("C'est très bien…", "c'est très bien"),
        ("Это хорошо, спасибо.", "это хорошо спасибо"),
        ("API 회의는 다섯 시에 시작합니다.", "api 회의는 다섯 시에 시작합니다"),
    ],
)
def test_scripts_with_capitals_lose_them_and_the_marks_of_pauses(text: str, spoken: str) -> None:
    """Questions, exclamations, numbers and apostrophes stay."""
    assert spoken_form(text) == spoken


@pytest.mark.parametrize("text", ["정말 좋아요.", "電車は三番線から出ます。", "我很喜欢，太棒了。", "...", "12.5", ""])
def test_other_texts_are_unchanged(text: str) -> None:
    """Their full stops are written alike by people and by recognizers, and a text never becomes empty."""
    assert spoken_form(text) == text
