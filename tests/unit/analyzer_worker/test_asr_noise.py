from collections.abc import Callable
from random import Random

import pytest

from analyzer_worker.training.asr_noise import ENGLISH_HOMOPHONES, NEVER_DROPPED, as_recognized

ENGLISH = "I think that they're going to be at your house, and it's not too far from here!"
KOREAN = "회의는 다섯 시에 시작하는데, 자료는 제가 안 가져왔어요. 그래도 되겠죠?"


def many(text: str, language: str, count: int = 300) -> list[str]:
    random = Random(1)
    return [as_recognized(text, language, random) for _ in range(count)]


@pytest.mark.parametrize(("text", "language"), [(ENGLISH, "en"), (KOREAN, "ko"), ("Das ist gut!", "de")])
def test_noise_is_determined_by_the_seed(text: str, language: str) -> None:
    assert many(text, language) == many(text, language)
    assert [as_recognized(text, language, Random(2)) for _ in range(3)] == [
        as_recognized(text, language, Random(2)) for _ in range(3)
    ]


@pytest.mark.parametrize(
    "seen",
    [
        lambda text: text.islower(),
        lambda text: "," not in text and "." not in text,
        lambda text: "there going" in text or "their going" in text,
        lambda text: "you're house" in text,
        lambda text: text.endswith(("from", "far", "he")),
        lambda text: "going be" in text or "to at" in text,
    ],
    ids=["lower case", "no punctuation", "homophone", "other homophone", "cut end", "lost word"],
)
def test_each_kind_of_noise_happens_to_some_english_sentences(seen: Callable[[str], bool]) -> None:
    hits = sum(seen(text) for text in many(ENGLISH, "en"))
    assert 3 <= hits <= 250


def test_exclamation_marks_never_stay() -> None:
    assert not any("!" in text for text in many(ENGLISH, "en"))


def test_korean_loses_spaces_and_swaps_spellings() -> None:
    texts = many(KOREAN, "ko")
    assert any("회의는다섯시에" in text for text in texts)
    assert any("돼겠죠" in text or "시작하는대" in text or "시애" in text for text in texts)
    assert not any("회의는다섯" in text for text in many(KOREAN, "de"))


@pytest.mark.parametrize(("text", "language", "word"), [(ENGLISH, "en", "not"), ("나는 안 갔어 왜 못 가", "ko", "안")])
def test_negations_stay(text: str, language: str, word: str) -> None:
    assert word in NEVER_DROPPED
    assert all(word in text for text in many(text, language))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Did you like it all? I did not.", ["not"]),
        ("No, I really want that thing now", ["no"]),
        ("I tried it twice and it is not good.", ["not", "good"]),
        ("That is something that I really can't", ["can't"]),
        ("Nein, das habe ich heute so bestellt", ["nein"]),
        ("나는 그 사람을 어제 거기서 안", ["안"]),
    ],
)
def test_a_word_that_decides_stays_at_either_end(text: str, words: list[str]) -> None:
    """With the mark behind it, too."""
    for changed in many(text, "ko" if "안" in words else "en"):
        assert any(word in changed.lower() for word in words), changed


def test_no_negation_becomes_another_word() -> None:
    """ "No" sounds like "know", and a sentence must keep its meaning."""
    assert not {word for group in ENGLISH_HOMOPHONES for word in group} & {"no", "not"}


@pytest.mark.parametrize("text", ["", "!", "...", "a", "안"])
def test_sentence_is_never_lost(text: str) -> None:
    assert all(result == text or result for result in many(text, "ko"))
    assert set(many("!", "en")) <= {"!", "."}


def test_a_sentence_whose_end_decides_is_not_cut() -> None:
    """Its words may change; their number stays, but for short ones that are lost."""
    text = "The speaker was excellent but nobody understood anything afterwards"
    changed = [as_recognized(text, "en", Random(seed), whole=True).lower() for seed in range(200)]
    assert all(each.startswith(("the speaker", "speaker")) for each in changed)
    assert all(each.endswith("afterwards") for each in changed)
    assert any(not as_recognized(text, "en", Random(seed)).lower().endswith("afterwards") for seed in range(200))
