import re
import tomllib
from pathlib import Path
from random import Random

import pytest

from analyzer_worker.engines.base import NEGATIVE, POSITIVE
from analyzer_worker.training import rules
from analyzer_worker.training.recipe import SPOKEN_MOST, E5Recipe
from analyzer_worker.training.rules.grammar import fill
from analyzer_worker.training.rules.spoken import KINDS, LANGUAGES, spoken_sentences
from wire.messages.results import LABELS

STRONG = ("strong_praise", "strong_complaint", "both_praise", "both_complaint")
ADVERSATIVE = {
    "ko": re.compile("지만 |는데 |은데 |인데 |운데 "),
    "en": re.compile(r"\bbut\b"),
    "de": re.compile(r"\b(aber|sondern)\b"),
    "fr": re.compile(r"\bmais\b"),
    "es": re.compile(r"\b(pero|sino)\b"),
    "ja": re.compile("けど|じゃなくて"),
    "zh": re.compile("但是|不但"),
}
"""Language → words that lead to a change in the rules of ``contrast``."""


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{noun}(은/는) 여기", {"책은 여기", "의자는 여기"}),
        ("{noun}(이에요/예요)", {"책이에요", "의자예요"}),
        ("서울(으로/로)", {"서울로"}),
        ("부산(으로/로)", {"부산으로"}),
        ("1(이/가) 2(이/가) 3(이/가)", {"1이 2가 3이"}),
        ("[one|two {noun}|]", {"one", "two 책", "two 의자", ""}),
        ("{nested}!", {"책 1!", "의자 1!"}),
        ("plain (no/particle)", {"plain (no/particle)"}),
    ],
)
def test_templates_are_filled_in_all_ways(template: str, expected: set[str]) -> None:
    slots = {"noun": ["책", "의자"], "nested": ["{noun} 1"]}
    assert {fill(template, slots, Random(seed)) for seed in range(60)} == expected


def test_unknown_slot_is_an_error() -> None:
    with pytest.raises(KeyError, match="noun"):
        fill("{noun}", {}, Random(0))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_sentences_are_whole_different_and_many(language: str, kind: str) -> None:
    """No bracket of a template is left, and no mark stands beside another or behind a space."""
    sentences = spoken_sentences(language, kind, 200, seed=1)
    assert len(set(sentences)) == len(sentences) == 200
    assert not [text for text in sentences if re.search(r"[\[\]{}|]|\([가-힣]+/|  |^\s|\s$| [.,]|[?？][.。]", text)]
    assert sentences == spoken_sentences(language, kind, 200, seed=1)
    assert sentences != spoken_sentences(language, kind, 200, seed=2)


@pytest.mark.parametrize(("language", "kind", "count"), E5Recipe().spoken)
def test_rules_give_what_an_epoch_wants(language: str, kind: str, count: int) -> None:
    assert len(spoken_sentences(language, kind, count, seed=1)) == count


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_has_two_labels(language: str) -> None:
    labels: dict[str, set[str]] = {}
    for kind, label in KINDS.items():
        for text in spoken_sentences(language, kind, 1_500, seed=1):
            labels.setdefault(text.rstrip(".。?？").lower(), set()).add(label)
    assert {text: found for text, found in labels.items() if len(found) > 1} == {}


def test_kinds_have_the_labels_of_their_names() -> None:
    assert set(KINDS.values()) == set(LABELS)
    assert {label for kind, label in KINDS.items() if kind.endswith("praise")} == {POSITIVE}
    assert {label for kind, label in KINDS.items() if kind.endswith("complaint")} == {NEGATIVE}


@pytest.mark.parametrize("language", LANGUAGES)
def test_some_sentences_lack_their_full_stop(language: str) -> None:
    sentences = spoken_sentences(language, "mixed_praise", 400, seed=1)
    assert 20 < sum(text[-1] not in ".。" for text in sentences) < 120


def test_neutral_korean_has_thousands_of_sentences_in_all_styles() -> None:
    sentences = spoken_sentences("ko", "neutral", 4_000, seed=1)
    assert len(sentences) == 4_000
    for ending in ("요.", "니다.", "어.", "?", "세요."):
        assert sum(text.endswith(ending) for text in sentences) > 100


def test_rules_end_when_they_are_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language with few rules gives fewer sentences than are wanted, and no endless loop."""
    few = {"neutral": ["[one|two]"], "fillers": ["um"], "comma": ", ", "slots": {}}
    monkeypatch.setattr("analyzer_worker.training.rules.spoken._rules", lambda _: few)
    assert set(spoken_sentences("en", "neutral", 50, seed=1)) == {"One", "Two", "Um, one", "Um, two"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_rules_use_all_their_slots_and_no_others(language: str) -> None:
    """All files of a language together; the templates of a later one may use slots of an earlier one."""
    folder = Path(rules.__path__[0])
    texts = [(folder / place / f"{language}.toml").read_text("utf-8") for place in (".", "contrast", "strong")]
    files = basic, contrast, strong = [tomllib.loads(text) for text in texts]
    lines = [line for text in texts for line in text.splitlines() if not line.startswith("#")]
    names = [name for file in files for name in file["slots"]]
    assert set(re.findall(r"\{(\w+)\}", "\n".join(lines))) == set(names)
    assert len(set(names)) == len(names)
    assert set(basic) == {"neutral", "praise", "complaint", "slots", "fillers", "comma"}
    assert set(contrast) == {*KINDS, "slots"} - {"neutral", *STRONG}
    assert set(strong) == {*STRONG, "slots"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", STRONG)
def test_strong_rules_are_as_many_as_those_of_the_other_kinds(language: str, kind: str) -> None:
    sentences = 1_500 if language in SPOKEN_MOST else 500
    assert len(spoken_sentences(language, kind, sentences, seed=1)) == sentences


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["both_praise", "both_complaint"])
def test_adversative_words_also_join_clauses_of_one_feeling(language: str, kind: str) -> None:
    """A model must not take "but" alone for a change."""
    sentences = spoken_sentences(language, kind, 500, seed=1)
    assert sum(bool(ADVERSATIVE[language].search(text)) for text in sentences) > 15


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_filling_is_listed_twice(language: str) -> None:
    """Neither in one slot nor in two of one topic, so that no sentence repeats an adjective."""
    slots = tomllib.loads((Path(rules.__path__[0]) / "strong" / f"{language}.toml").read_text("utf-8"))["slots"]
    topics: dict[str, list[str]] = {}
    for name, fillings in slots.items():
        if name not in ("very", "und", "et", "and", "y", "good_and_good", "bad_and_bad"):
            topics.setdefault(re.sub(r"_(one|two|three|kute|de|end)$", "", name), []).extend(fillings)
    assert {name: words for name, words in topics.items() if len(set(words)) < len(words)} == {}


def test_quiet_sentences_have_no_strong_words() -> None:
    """They teach what the sets of strong words do not."""
    strong = re.compile(r"\b(love|hate|great|terrible|awesome|awful|horrible|amazing|best)\b", re.IGNORECASE)
    for kind in ("praise", "complaint"):
        assert not [text for text in spoken_sentences("en", kind, 1_000, seed=1) if strong.search(text)]
