from pathlib import Path

import pytest

from analyzer_worker.engines.unigram import UnigramTokenizer
from analyzer_worker.weights.e5_file import Vocabulary, read_e5_file
from tests.unit.analyzer_worker.tiny_e5 import write_tiny_e5


@pytest.fixture
def vocabulary(tmp_path: Path) -> Vocabulary:
    return read_e5_file(write_tiny_e5(tmp_path / "tiny.bin")).vocabulary


@pytest.fixture
def tokenizer(vocabulary: Vocabulary) -> UnigramTokenizer:
    return UnigramTokenizer(vocabulary, max_tokens=8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I love it", ["▁i", "▁love", "▁it"]),
        ("  it   is\there ", ["▁it", "▁is", "▁here"]),
        ("loving", ["▁", "l", "o", "v", "ing"]),
        ("it.", ["▁it", "."]),
        ("회의는", ["▁회의", "는"]),
        ("it ☃☃ is", ["▁it", "▁", "<unk>", "▁is"]),
        ("i\u200bt", ["▁it"]),
        ("ﬁ", ["▁", "f", "i"]),
        ("\0it\0", ["▁it"]),
        ("", []),
        ("<s> </s>", ["▁", "<unk>", "s", "<unk>", "▁", "<unk>"]),
    ],
)
def test_text_becomes_the_most_probable_pieces(
    vocabulary: Vocabulary, tokenizer: UnigramTokenizer, text: str, expected: list[str]
) -> None:
    """Special pieces in a text are text; unknown characters in a row are one token."""
    pieces = [vocabulary.pieces[index].decode() for index in tokenizer.encode(text)]
    assert pieces == ["<s>", *expected[:6], "</s>"]


def test_decomposed_syllables_are_those_of_the_vocabulary(tokenizer: UnigramTokenizer) -> None:
    """macOS writes file names, and some programs texts, in separate letters."""
    assert tokenizer.encode("\u1112\u116c\u110b\u1174\u1102\u1173\u11ab") == tokenizer.encode("회의는")


def test_long_text_is_cut_at_its_end(tokenizer: UnigramTokenizer) -> None:
    assert tokenizer.encode("it " * 100) == [0, *tokenizer.encode("it")[1:-1] * 6, 2]


@pytest.mark.parametrize("text", ["a" * 300, "☃" * 300, "\ud800 it", "\x00"])
def test_any_text_is_encoded(tokenizer: UnigramTokenizer, text: str) -> None:
    assert 2 <= len(tokenizer.encode(text)) <= 8


@pytest.mark.parametrize("words", [0, 1, 5, 6, 7, 30])
def test_a_long_text_is_encoded_in_parts(vocabulary: Vocabulary, tokenizer: UnigramTokenizer, words: int) -> None:
    """Together they have every token, each with its first and last one."""
    parts = tokenizer.encode_parts("love " * words)
    unlimited = UnigramTokenizer(vocabulary, max_tokens=1_000).encode("love " * words)
    assert [token for part in parts for token in part[1:-1]] == unlimited[1:-1]
    assert all(part[0] == unlimited[0] and part[-1] == unlimited[-1] and len(part) <= 8 for part in parts)
