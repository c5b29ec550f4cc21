"""Texts that Whisper invents are recognized in any spelling, and only what people say too may be shown."""

import pytest

from stt_worker.engines.base import Hypothesis
from stt_worker.engines.hallucinations import accept
from stt_worker.engines.known_hallucinations import CREDITS, SIGN_OFFS, is_credit, is_sign_off

NAMES = {"{name}": "А. Семкин", "{year}": "2017"}


def example(line: str) -> str:
    """A line of the lists as Whisper writes it."""
    for gap, filling in NAMES.items():
        line = line.replace(gap, filling)
    return line


def hypothesis(text: str, avg_logprob: float = -0.1, no_speech_prob: float = 0.01) -> Hypothesis:
    return Hypothesis(text, "en", None, avg_logprob, no_speech_prob)


@pytest.mark.parametrize("line", CREDITS)
def test_a_credit_is_recognized_in_any_spelling(line: str) -> None:
    for text in spellings(example(line)):
        assert is_credit(text)
        assert not accept(hypothesis(text), is_confident=True)
    assert is_credit(f"{example(line)} {example(line)}")
    assert not is_credit(f"{example(line)} {WORDS}")
    assert not is_credit(f"{WORDS} {example(line)}")


@pytest.mark.parametrize("line", SIGN_OFFS)
def test_a_sign_off_is_recognized_in_any_spelling(line: str) -> None:
    for text in spellings(example(line)):
        assert is_sign_off(text)
        assert not is_credit(text)
        assert is_sign_off(f"{text} {text} {text}")
    assert not is_sign_off(f"{example(line)} {WORDS}")
    assert not is_sign_off(f"{WORDS} {example(line)} {example(line)}")


WORDS = "and bring the cake"


def spellings(text: str) -> list[str]:
    """A text with other punctuation, case, spaces and width."""
    fullwidth = "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)
    return [text, f" {text}. ", text.upper(), text.replace(" ", ""), fullwidth, f"「{text}」", text.replace("'", "’")]


@pytest.mark.parametrize(
    "text",
    [
        "Untertitel im Auftrag des ZDF für funk, 2021.",
        "Sous-titres réalisés par la communauté d’Amara.org",
        "Subtitulos por la comunidad de Amara org",
        "한글 자막 by 박진희",
        "字幕由 Amara.org 社区提供",
        "Редактор субтитров О.Голубкина Корректор А.Егорова",
        "Hãy subscribe cho kênh La La School Để không bỏ lỡ những video hấp dẫn",
        "♪♪♪",
        "...",
        "？",
    ],
)
def test_names_and_years_differ_and_signs_alone_are_no_text(text: str) -> None:
    assert is_credit(text)


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for the cake.",
        "Yes.",
        "네",
        "Die Untertitel der Amara.org-Community sind gut.",
        "Untertitel im Auftrag des ZDF",
        "Субтитры сделал мой друг.",
        "Amara.org",
        "자막을 켜 주세요",
        "감사합니다 여러분",
        "2017",
    ],
)
def test_other_texts_are_neither(text: str) -> None:
    assert not is_credit(text)
    assert not is_sign_off(text)


@pytest.mark.timeout(5)
@pytest.mark.parametrize("line", [line for line in (*CREDITS, *SIGN_OFFS) if "{name}" in line])
def test_many_lines_with_names_are_judged_at_once(line: str) -> None:
    """Also if the beginning of another one could be a name."""
    text = " ".join(f"{line.replace('{name}', '李宗')} 中文" for _ in range(60))
    assert not is_credit(f"{text} {WORDS} {WORDS} {WORDS}")
    assert not is_sign_off(f"{text} {WORDS} {WORDS} {WORDS}")
    several = " ".join([example(line)] * 60)
    assert is_credit(several) or is_sign_off(several)


@pytest.mark.parametrize(
    ("is_confident", "avg_logprob", "no_speech_prob", "kept"),
    [(True, -0.9, 0.3, True), (True, -1.2, 0.3, False), (True, -0.9, 0.6, False), (False, -0.1, 0.01, False)],
)
def test_a_sign_off_needs_certain_speech_and_a_certain_text(
    is_confident: bool, avg_logprob: float, no_speech_prob: float, kept: bool
) -> None:
    several = ("Thank you. Thank you. Thank you. Thank you.", "Thanks for watching! Bye. Bye.", "감사합니다 감사합니다")
    for text in ("Thank you.", "감사합니다.", "Vielen Dank!", "ご清聴ありがとうございました", *several):
        assert accept(hypothesis(text, avg_logprob, no_speech_prob), is_confident=is_confident) is kept
