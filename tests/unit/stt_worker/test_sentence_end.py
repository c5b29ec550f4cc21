"""The decoder's choice behind the last word shows whether a sentence is over."""

import math

import pytest
import torch
from whisper.tokenizer import Tokenizer, get_tokenizer

from stt_worker.engines.whisper.greedy import Decoded
from stt_worker.engines.whisper.marks import COMMAS, MARKS, Marks
from stt_worker.engines.whisper.sentence_end import COMMA, CONSTANT, MARK, WORDS, sentence_end

# The library leaves its word lists to the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore:.*tiktoken:pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return get_tokenizer(True, num_languages=99, language="en", task="transcribe")


def decoded(tokenizer: Tokenizer, text: str, *, at: int, mark: float, comma: float, prefix: str = "") -> Decoded:
    """A text whose decoder gave a mark and a comma some probability behind ``at`` tokens, and none elsewhere."""
    before, tokens = tokenizer.encode(prefix), tokenizer.encode(text)
    made = Decoded(before + tokens, prefix_len=len(before), stop="end")
    made.marks = [(mark, comma) if step == at else (0.0, 0.0) for step in range(len(tokens) + 1)]
    made.logprobs = [-0.1] * len(made.marks)
    return made


def expected(mark: float, comma: float, words: int) -> float:
    log_odds = (math.log(each / (1 - each)) for each in (mark, comma))
    return sum(factor * each for factor, each in zip((MARK, COMMA), log_odds, strict=True)) + (
        WORDS * math.log1p(words) + CONSTANT
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" He went home.", 3),
        (" He went home", 3),
        (" He went home...", 3),
        (" He went home?!", 3),
        (" Yes. He went home.", 3),
        (" 집에 갔어요.", 2),
        (" 네. 집에 갔어요.", 2),
        (" 그러면 정말 좋겠네.", 3),
        (" 밥을 꿨어요.", 2),
        (" I think that it costs 3.50.", 6),
        (" I have seen it with Mr. Smith.", 7),
        (" I have seen it with J. Smith.", 7),
        (" So did I. He went home.", 3),
        (' He said "yes." He went home.', 3),
        (" Il est allé.", 3),
        (" C'est de la pâte\u0301.", 4),
    ],
)
def test_it_is_the_choice_behind_the_last_word(tokenizer: Tokenizer, text: str, words: int) -> None:
    """Whatever marks were chosen there; only the words of the last sentence count."""
    at = len(tokenizer.encode(text.rstrip(".?!")))
    assert tokenizer.decode(tokenizer.encode(text)[:at]) == text.rstrip(".?!"), "the marks are tokens of their own"
    found = sentence_end(decoded(tokenizer, text, at=at, mark=0.8, comma=0.1), tokenizer)
    assert found == pytest.approx(expected(0.8, 0.1, words))


@pytest.mark.parametrize("text", [" 좋겠네", " आप कैसे हैं", " ผมไปบ้าน", " 行きましょう", " été"])
def test_a_letter_of_several_tokens_is_of_the_last_word(tokenizer: Tokenizer, text: str) -> None:
    """As is a vowel sign; marks behind it may be several tokens, too."""
    words = len(text.split())
    at = len(tokenizer.encode(text))
    for marks in ("", ".", "？", "।", '."', "\n"):
        made = decoded(tokenizer, text, at=at, mark=0.8, comma=0.1)
        made.tokens += tokenizer.encode(marks)
        assert sentence_end(made, tokenizer) == pytest.approx(expected(0.8, 0.1, words)), marks


def test_a_letter_that_is_cut_off_is_of_the_last_word(tokenizer: Tokenizer) -> None:
    """The text reached its limit within it."""
    tokens = tokenizer.encode(" 그러면 정말 좋겠네")
    made = decoded(tokenizer, " 그러면", at=len(tokens) - 1, mark=0.8, comma=0.1)
    made.tokens, made.marks = tokens[:-1], [(0.0, 0.0)] * (len(tokens) - 1) + [(0.8, 0.1)]
    assert "\ufffd" in tokenizer.decode(made.tokens)
    assert sentence_end(made, tokenizer) == pytest.approx(expected(0.8, 0.1, 3))


def test_a_comma_is_evidence_against_it(tokenizer: Tokenizer) -> None:
    """And a mark for it, and more words."""

    def evidence(text: str = " He went home", mark: float = 0.5, comma: float = 0.2) -> float:
        at = len(tokenizer.encode(text))
        found = sentence_end(decoded(tokenizer, text, at=at, mark=mark, comma=comma), tokenizer)
        assert found is not None
        return found

    assert evidence(comma=0.4) < evidence() < evidence(mark=0.7)
    assert evidence(" He") < evidence() < evidence(" He went home with his friends")
    assert evidence(mark=1.0, comma=0.0) < 20


def test_a_prefix_has_no_choices(tokenizer: Tokenizer) -> None:
    """Its tokens were given; a text that has no words of its own shows nothing."""
    text, prefix = " went home.", " He"
    at = len(tokenizer.encode(" went home"))
    found = sentence_end(decoded(tokenizer, text, at=at, mark=0.8, comma=0.1, prefix=prefix), tokenizer)
    assert found == pytest.approx(expected(0.8, 0.1, 3))
    assert sentence_end(decoded(tokenizer, ".", at=0, mark=0.8, comma=0.1, prefix=prefix), tokenizer) is None
    assert sentence_end(Decoded(), tokenizer) is None


def test_probabilities_are_those_of_all_marks(tokenizer: Tokenizer) -> None:
    logits = torch.randn(2, 51_865, generator=torch.Generator().manual_seed(1))
    found = Marks(tokenizer, torch.device("cpu"))(logits, logits.logsumexp(dim=-1))
    for row, (mark, comma) in enumerate(found):
        probabilities = logits[row].softmax(dim=-1)
        for signs, probability in ((MARKS, mark), (COMMAS, comma)):
            tokens = [token for sign in signs for token in tokenizer.encode(sign)]
            assert len(tokens) == len(signs), "each sign is one token"
            assert probability == pytest.approx(float(probabilities[tokens].sum()), rel=1e-4)


@pytest.mark.parametrize(
    ("mark", "comma"), [(".", ","), ("?", ","), ("!", ","), ("...", ","), ("。", "、"), (",", None)]
)
def test_a_mark_has_the_comma_of_its_script(tokenizer: Tokenizer, mark: str, comma: str | None) -> None:
    """A sentence that goes on gets it in place of the mark."""
    (token,) = tokenizer.encode(mark)
    found = Marks(tokenizer, torch.device("cpu")).comma(token)
    assert found == (tokenizer.encode(comma)[0] if comma else None)


def test_without_a_context_there_is_no_mark(tokenizer: Tokenizer) -> None:
    assert Marks(tokenizer, torch.device("cpu")).comma(None) is None
