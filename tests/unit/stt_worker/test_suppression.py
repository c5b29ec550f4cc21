"""Signs may stand within numbers, times and addresses, and nowhere else; the tokenizer is the real one."""

import pytest
import torch
from torch import Tensor
from whisper.model import ModelDimensions
from whisper.tokenizer import Tokenizer, get_tokenizer

from stt_worker.engines.whisper.decoder import Decoder
from stt_worker.engines.whisper.greedy import GreedySearch
from stt_worker.engines.whisper.prompt import Prompt
from stt_worker.engines.whisper.suppression import Suppression
from stt_worker.engines.whisper.vocabulary import Vocabulary
from stt_worker.numerics import FLOAT32
from tests.unit.stt_worker.tiny_whisper import random_whisper

# The library leaves its word lists to the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore:.*tiktoken:pytest.PytestUnraisableExceptionWarning")

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["multilingual", "English", "large-v3"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    languages = 100 if request.param == "large-v3" else 99
    return get_tokenizer(request.param != "English", num_languages=languages, language="en", task="transcribe")


@pytest.fixture(scope="module")
def suppression(tokenizer: Tokenizer) -> Suppression:
    return Suppression(tokenizer, CPU)


def can_be_written(text: str, tokenizer: Tokenizer, suppression: Suppression) -> bool:
    """True if no token of the text is suppressed where it stands."""
    tokens = tokenizer.encode(text)
    suppressed = torch.cat([suppression.first(1), suppression.after(torch.tensor(tokens[:-1], dtype=torch.long))])
    return all(token not in row for token, row in zip(tokens, suppressed.tolist(), strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "5/12/2024", " 5/12/2024.", " at 10:30.", " 10:30:05", " 50/50", " 24/7", " and/or", " 60 km/h", " 3:1",
        " a@b.com", " john.doe@example.com", " anna_b@web.de", " https://example.org/page_2", " 오후 3:30에",
        " 2024/05/12에", " AT&T", " 50%", " $5", " don't", " well-known", " Yes, no! Really?",
    ],
)  # fmt: skip
def test_signs_within_words_can_be_written(text: str, tokenizer: Tokenizer, suppression: Suppression) -> None:
    assert can_be_written(text, tokenizer, suppression)


@pytest.mark.parametrize(
    "text",
    [
        "/5", "@home", ":", " /5", " 5 /12", " a @b", " 10 :30", " DAVID: Hey", " 네: 그래요", " 네/아니요",
        " a/:b", " (MUSIC)", " [DAVID]", " ♪♪♪", " 5♪", " a[b", " a(b)", " a*b", " a{b", " a<b", " 5~", " a#",
        ' "Hey"', " - Hey", " 3 + 4", " 3=4",
    ],
)  # fmt: skip
def test_signs_elsewhere_and_notes_cannot_be_written(text: str, tokenizer: Tokenizer, suppression: Suppression) -> None:
    assert not can_be_written(text, tokenizer, suppression)


def test_special_tokens_are_never_written(tokenizer: Tokenizer, suppression: Suppression) -> None:
    """Nor does a text begin with its end, or with a mere space."""
    special = {tokenizer.sot, tokenizer.sot_prev, tokenizer.sot_lm, tokenizer.no_speech, tokenizer.transcribe}
    (first,) = suppression.first(1).tolist()
    assert special | {tokenizer.eot, *tokenizer.encode(" ")} <= set(first)
    for text in (" a", " 5", ".", "네"):
        (after,) = suppression.after(torch.tensor(tokenizer.encode(text)[-1:])).tolist()
        assert special <= set(after)
        assert tokenizer.eot not in after


class Likes(Vocabulary):
    """Scores the next token of ``wanted`` best and the end second: each text is written as far as it may."""

    def __init__(self, wanted: list[list[int]], eot: int) -> None:
        self.wanted, self.eot, self.step = wanted, eot, -1

    def __call__(self, states: Tensor, suppressed: Tensor | None = None) -> Tensor:
        scores = torch.zeros(len(states), 51_865)
        scores[:, self.eot] = 1.0
        if suppressed is None:  # for the probability of no speech
            return scores
        self.step += 1
        for row, tokens in enumerate(self.wanted):
            if self.step < len(tokens):
                scores[row, tokens[self.step]] = 2.0
        scores.scatter_(1, suppressed, -torch.inf)
        best = scores.argmax(dim=1).tolist()
        self.wanted = [tokens for tokens, token in zip(self.wanted, best, strict=True) if token != self.eot]
        return scores


@torch.inference_mode()
@pytest.mark.parametrize("prefix", ["", " at 10"])
def test_rows_of_a_batch_have_their_own_signs(prefix: str) -> None:
    """Each text depends on its own last token; after a prefix, the first new token on the prefix."""
    tokenizer = get_tokenizer(True, num_languages=99, language="en", task="transcribe")
    model = random_whisper(ModelDimensions(80, 1500, 8, 2, 1, 51_865, 32, 8, 2, 1))
    texts = [":30 is fine", "/50", " a@b"] if prefix else [" 10:30", " a:30", " 5/6"]
    wanted = [tokenizer.encode(text) for text in texts]
    decoder = Decoder(model.decoder, FLOAT32)
    search = GreedySearch(decoder, Likes(wanted, tokenizer.eot), tokenizer, CPU)
    tokens = (*tokenizer.sot_sequence_including_notimestamps, *tokenizer.encode(prefix))
    prompt = Prompt(tokens, sot=0, prefix_len=len(tokenizer.encode(prefix)))
    cache = decoder.precompute_cross_kv(torch.zeros(3, 10, 8))
    found = search.run(cache, [prompt] * 3, [20] * 3, [lambda: None] * 3)
    written = [tokenizer.decode(text.tokens) for text in found]
    assert written == ([" at 10:30 is fine", " at 10/50", " at 10 a@b"] if prefix else [" 10:30", " a", " 5/6"])
