"""A text of the prompt's words alone is recognized, and judged by what the audio gives without the prompt."""

import pytest

from stt_worker.engines.base import Hypothesis
from stt_worker.engines.prompt_echo import is_confirmed, is_prompt_echo

NAMES = "김민수, 박서연, 이상은, 왓챠"


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("왓챠", NAMES),
        (" 박서연, 김민수. ", NAMES),
        ("Kubernetes, WASM!", "WASM, Kubernetes; Redis"),
        ("redis redis", "Redis."),
        ("ＲＥＤＩＳ", "Redis"),
        ("Müller", "Mueller, MULLER"),
        ("d'Aubigné", "Agrippa d’Aubigne"),
        ("東京大阪。", "大阪、東京"),
        ("प्रेमचंद।", "प्रेमचंद, निराला"),
        ("とうきょうだいがく", "だいがく、とうきょう"),
        ("ﾀﾞｲｶﾞｸ", "ダイガク"),
        ("มหาวิทยาลัย", "มหาวิทยาลัย"),
        ("a" * 60, "a aa aaa"),
    ],
)
def test_words_of_the_prompt_are_an_echo_in_any_order(text: str, prompt: str) -> None:
    assert is_prompt_echo(text, prompt)


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("김민수는", NAMES),
        ("네, 김민수", NAMES),
        ("I use Redis.", "Redis"),
        ("Red", "Redis"),
        ("Redis 7", "Redis"),
        ("たいかく", "だいがく"),
        ("प्रमचद", "प्रेमचंद"),
        ("ปา", "ป้า"),
        ("Redis", ""),
        ("...", NAMES),
        ("", NAMES),
        ("a" * 60 + "b", "a aa aaa"),
    ],
)
def test_a_text_with_other_words_is_none(text: str, prompt: str) -> None:
    assert not is_prompt_echo(text, prompt)


def hypothesis(text: str, avg_logprob: float = -0.3, no_speech_prob: float = 0.02) -> Hypothesis:
    return Hypothesis(text, "ko", None, avg_logprob, no_speech_prob)


@pytest.mark.parametrize(
    ("echo", "text", "avg_logprob", "confirmed"),
    [
        ("김민수", "아, 쟤!", -1.39, False),
        ("김민수", "김민서", -0.6, True),
        ("김민수", "김 민수.", -1.3, True),
        ("김민수", "", 0.0, False),
        ("김민수", "...", -0.1, False),
        ("김민수", "감사합니다.", -0.2, False),
        ("왓챠", "와차", -0.7, True),
        ("Grafana", "I see. Thanks.", -0.5, False),
        ("Grafana", "Gravana.", -0.5, True),
        ("Grafana", "Graph Anna", -0.8, True),
        ("Kubernetes", "Cooper Netties", -0.8, True),
        ("Kubernetes", "Thank you very much.", -0.1, False),
        ("Friday", "Fly, mate.", -0.9, False),
    ],
)
def test_an_echo_is_confirmed_by_nearly_the_same_text(
    echo: str, text: str, avg_logprob: float, *, confirmed: bool
) -> None:
    """However certain another one is: it was said instead."""
    assert is_confirmed(hypothesis(echo), hypothesis(text, avg_logprob)) is confirmed
