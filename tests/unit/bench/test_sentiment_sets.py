"""Labelled sets are read, sampled and made binary."""

import json
from pathlib import Path

import pytest

from analyzer_worker.training.sentences import language_of
from bench.sentiment.sets import behaviour_lists, has_test_set, read_dev_sets, read_test_sets

NEUTRAL = 1


def write_set(folder: Path, name: str, rows: list[tuple[str, str]]) -> None:
    lines = [json.dumps({"text": text, "label": label}) for text, label in rows]
    (folder / f"{name}.jsonl").write_text("\n".join(lines), "utf-8")


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("goemotions_test", "en"),
        ("goemotions_ko_test", "ko"),
        ("nsmc_test", "ko"),
        ("kote_test", "ko"),
        ("xed_de_test", "de"),
        ("xed_fr_test", "fr"),
        ("xed_es_test", "es"),
        ("meld_test_calmed", "en"),
    ],
)
def test_a_set_has_a_language(name: str, language: str) -> None:
    assert language_of(name) == language


def test_sets_that_are_missing_are_left_out(tmp_path: Path) -> None:
    """MELD is there twice, as it is and as a transcript would have it."""
    write_set(tmp_path, "meld_test", [("Great!", "positive")])
    write_set(tmp_path, "meld_dev", [("No!", "negative")])
    plain, calmed = read_test_sets(tmp_path)
    assert (plain.name, plain.texts, calmed.name, calmed.texts) == (
        *("meld_test", ["Great!"]),
        *("meld_test_calmed", ["Great."]),
    )
    assert [each.texts for each in read_dev_sets(tmp_path)] == [["No."]]


def test_binary_sets_lose_their_neutral_sentences(tmp_path: Path) -> None:
    write_set(tmp_path, "kote_test", [("a", "negative"), ("b", "neutral"), ("c", "positive")])
    (kote,) = read_test_sets(tmp_path)
    assert kote.binary
    assert (kote.texts, NEUTRAL in kote.targets) == (["a", "c"], False)


def test_a_sample_is_the_same_each_time(tmp_path: Path) -> None:
    """Its sentences keep their order and their labels."""
    labels = ("negative", "neutral", "positive")
    write_set(tmp_path, "sst3_test", [(str(number), labels[number % 3]) for number in range(100)])
    (one,), (other,) = read_test_sets(tmp_path, 20), read_test_sets(tmp_path, 20)
    assert one == other
    numbers = [int(text) for text in one.texts]
    assert (len(numbers), numbers) == (20, sorted(numbers))
    assert one.targets == [number % 3 for number in numbers]
    assert max(numbers) > 50


def test_a_folder_without_sets_is_noticed(tmp_path: Path) -> None:
    write_set(tmp_path, "goemotions_train", [("a", "neutral")])
    assert not has_test_set(tmp_path)
    write_set(tmp_path, "nsmc_test", [("a", "negative")])
    assert has_test_set(tmp_path)


def test_there_is_a_behaviour_list_for_each_language() -> None:
    lists = behaviour_lists()
    assert {each.sentences.language for each in lists} == {"en", "ko", "de", "fr", "es", "ja", "zh"}
    for each in lists:
        assert len(each.categories) == len(each.sentences.texts) == len(each.sentences.targets)
