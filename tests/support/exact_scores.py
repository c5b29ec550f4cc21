"""Scores of the decoder beside the library's exact ones: float32, plain products, along the path that ours took.

Two programs that compute in different formats, or only sum in another order, choose different tokens where two scores
nearly tie, and from there on their texts differ. So the library is led along our path, and each step is judged:

* the choice is the best of our own scores, and its log-probability follows from them: that is no matter of rounding;
* our scores are those of our state, but for the rounding of one product, and the best are scored again without it;
* our state's scores are as far from the library's as the formats round (see ``rounding``).

It follows that where all our scores lie within E of the exact ones, the exact score of our choice lies within 2 E of
the best, and log-probabilities within 2 E of theirs, whatever the machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_letters

import torch
from torch import Tensor
from torch.nn.functional import linear
from whisper.decoding import DecodingOptions, DecodingTask
from whisper.model import Whisper
from whisper.tokenizer import Tokenizer

from stt_worker.engines.whisper.decoder import Decoder
from stt_worker.engines.whisper.encoder import Encoder
from stt_worker.engines.whisper.greedy import Decoded, GreedySearch
from stt_worker.engines.whisper.prompt import Prompt
from stt_worker.engines.whisper.vocabulary import Vocabulary, make_vocabulary
from stt_worker.numerics import BFLOAT16, Format, Numerics
from tests.support.formats import packing
from tests.support.product_error import product_error
from tests.support.rounding import rounding

DRAWS = 3
"""Random roundings of each text."""
SUMS = 2e-5
"""Largest error of a score from the order of float32 sums, in standard deviations of a step's scores: 2⁻²⁴ for each of
some 300 additions."""
LOGARITHM = 1e-5
"""Largest error of a log-probability in float32, some 11 nats of which each step has 2⁻²⁴; nats."""
TIMES_SCATTER = 2
"""An error is one more draw of the rounding, so it may be a little larger than the largest of ``DRAWS``."""
LONGEST_PHRASE = 20


class _Kept(Vocabulary):
    """Another vocabulary; states and scores are kept: those after the start of the transcript, then of each step."""

    def __init__(self, inner: Vocabulary) -> None:
        self._inner = inner
        self.states: list[Tensor] = []
        self.scores: list[Tensor] = []

    def __call__(self, states: Tensor, suppressed: Tensor | None = None) -> Tensor:
        self.states.append(states)
        self.scores.append(self._inner(states, suppressed))
        return self.scores[-1]


class Program:
    """Our encoder, decoder and vocabulary in some formats."""

    def __init__(self, model: Whisper, numerics: Numerics) -> None:
        """Pack the weights of ``model``."""
        self.numerics = numerics
        with packing(numerics):
            self.encoder, self.decoder = Encoder(model.encoder, numerics.encoder), Decoder(model.decoder, numerics)
            self.vocabulary = make_vocabulary(model.decoder.token_embedding.weight, numerics.vocabulary)


@dataclass
class Judged:
    """One decoded text. Scores are in standard deviations of the exact scores of their step."""

    text: Decoded
    own_shortfall: float = 0.0
    """Largest distance of a choice below the best of our own scores."""
    own_logprob_error: float = 0.0
    """Largest difference of a log-probability, or of the one of no speech, from that of our own scores; nats."""
    projection_error: float = 0.0
    """Largest error of a score of our state, as a part of what the format's rounding allows."""
    shortlist_shortfall: float = 0.0
    """Largest distance of a choice below the best by the exact scores of our own state."""
    state_error: float = 0.0
    """Largest difference of the exact scores of our state from the library's."""
    scatter: float = 0.0
    """The same of the library's state, when its products round by chance as our formats do."""

    def at_most(self, **found: float) -> None:
        """Raise each of these to the value that was found."""
        for name, value in found.items():
            setattr(self, name, max(getattr(self, name), value))


@torch.inference_mode()
def judge(model: Whisper, tokenizer: Tokenizer, ours: Program, mel: Tensor) -> Judged:
    """Decode one utterance and compare each step.

    Args:
        model: the library's, with as many audio positions as the utterance has.
        tokenizer: of the utterance's language.
        ours: made from ``model``, in the formats that are judged.
        mel: of the utterance, (1, mels, frames).
    """
    kept, decoder = _Kept(ours.vocabulary), ours.decoder
    search = GreedySearch(decoder, kept, tokenizer, model.device)
    cache = decoder.precompute_cross_kv(*ours.encoder([mel[0]]))
    prompt = Prompt(tokenizer.sot_sequence_including_notimestamps, sot=0)
    limit = decoder.n_ctx // 2
    (text,) = search.run(cache, [prompt], [decoder.n_ctx], [lambda: None])
    check_stop(text, tokenizer, limit)

    task = DecodingTask(model, DecodingOptions(language=tokenizer.language, without_timestamps=True, fp16=False))
    assert task.initial_tokens == prompt.tokens
    chosen = written(text, tokenizer)
    path = torch.tensor([[*prompt.tokens, *chosen]])
    features = model.encoder(mel)
    logits = model.decoder(path[:, :-1], features)[0]
    assert len(kept.scores) == 1 + len(chosen)
    # The library's row of each of our scores: of the start of the transcript, then from the prompt's last token on.
    rows = [0, *range(len(prompt.tokens) - 1, len(logits))]
    spread = logits.std(dim=-1, keepdim=True)[rows]

    embedding = model.decoder.token_embedding.weight
    projected = linear(torch.cat(kept.states), embedding)
    judged = Judged(text, state_error=float(((projected - logits[rows]).abs() / spread).max()))
    for _ in range(DRAWS):
        with rounding(model, ours.numerics, len(prompt.tokens)):
            rounded = model.encoder(mel) if ours.numerics.encoder in BFLOAT16 else features
            moved = model.decoder(path[:, :-1], rounded)[0]
        judged.at_most(scatter=float(((moved - logits)[rows].abs() / spread).max()))

    no_speech = tokenizer.no_speech
    _judge_projection(judged, kept, projected, embedding, ours.numerics.vocabulary)
    _judge_choice(judged, kept.scores[0], no_speech, float(torch.tensor(text.no_speech_prob).log()))
    for step, (token, scores) in enumerate(zip(chosen, kept.scores[1:], strict=True)):
        everything = logits[rows[1 + step]][None]
        exact = everything.clone()
        for each in task.logit_filters:
            each.apply(exact, path[:, : len(prompt.tokens) + step])
        signs = signs_within(chosen[:step], tokenizer)
        assert exact[0, signs].isinf().all()
        exact[0, signs] = everything[0, signs]
        assert torch.equal(exact.isinf(), scores.isinf())
        unit, state = float(spread[1 + step]), projected[1 + step].masked_fill(exact[0].isinf(), -torch.inf)
        judged.at_most(
            own_shortfall=float(scores.max() - scores[0, token]) / unit,
            shortlist_shortfall=float(state.max() - state[token]) / unit,
        )
        _judge_choice(judged, scores, token, text.logprobs[step])
    return judged


def check_rounding(judged: Judged) -> None:
    """Assert that the choices are the best of our own scores, and that these are off by rounding alone."""
    assert judged.own_shortfall == 0
    assert judged.own_logprob_error <= LOGARITHM
    assert judged.projection_error <= 1
    assert judged.shortlist_shortfall <= SUMS
    assert judged.state_error <= TIMES_SCATTER * judged.scatter + SUMS


def _judge_projection(judged: Judged, kept: _Kept, projected: Tensor, embedding: Tensor, name: Format) -> None:
    """Compare our scores with the exact ones of our own states."""
    for state, ours, exact in zip(kept.states, kept.scores, projected, strict=True):
        allowed = product_error(name, embedding, None, state)[0]
        parts = ((ours[0] - exact).abs() / allowed)[ours[0].isfinite()]
        judged.at_most(projection_error=float(parts.max()))


def _judge_choice(judged: Judged, ours: Tensor, token: int, logprob: float) -> None:
    """Compare a token's log-probability with that of our scores."""
    own = float(ours.double().log_softmax(dim=-1)[0, token])
    judged.at_most(own_logprob_error=abs(logprob - own))


def signs_within(tokens: Sequence[int], tokenizer: Tokenizer) -> list[int]:
    """Return the tokens that we allow after a text and the library never does: signs within numbers and addresses."""
    last = tokenizer.decode(list(tokens[-1:]))[-1:]
    signs = "/@_:" if last in set("0123456789") else "/@_" if last in set(ascii_letters) else ""
    return [token for sign in signs for token in tokenizer.encode(sign)]


def written(text: Decoded, tokenizer: Tokenizer) -> list[int]:
    """Return all tokens that were chosen: those of the text, and its end if it was chosen."""
    return [*text.tokens, tokenizer.eot] if text.stop == "end" else text.tokens


def check_stop(text: Decoded, tokenizer: Tokenizer, limit: int) -> None:
    """Assert that a text without a prefix stops for the reason that it names. If the end is right, its score says."""
    tokens = text.tokens
    assert tokenizer.eot not in tokens
    if text.stop == "limit":
        assert len(tokens) == limit
    assert (text.stop == "loop") == _loops(tokens)
    assert not _loops(tokens[:-1])
    assert len(text.logprobs) == len(written(text, tokenizer)) <= limit


def _loops(tokens: Sequence[int]) -> bool:
    """True if the tokens end in a phrase three times or more, for twelve tokens or more."""
    for length in range(1, LONGEST_PHRASE + 1):
        times = max(3, -(-12 // length))
        if len(tokens) >= times * length and list(tokens[-times * length :]) == list(tokens[-length:]) * times:
            return True
    return False


def check_same_text(model: Whisper, tokenizer: Tokenizer, text: Decoded, mel: Tensor, features: Tensor) -> bool:
    """Assert that float32 gives the library's tokens up to its own end, a near tie, or a sign that only we allow.

    Args:
        model: the library's.
        tokenizer: of the utterance's language.
        text: ours.
        mel: of the full window, (mels, 3000).
        features: of the library's encoder, (1, positions, state).

    Returns:
        True if all tokens are the same.
    """
    task = DecodingTask(model, DecodingOptions(language=tokenizer.language, without_timestamps=True, fp16=False))
    (theirs,) = task.run(mel[None])
    expected = [*theirs.tokens, tokenizer.eot][: task.sample_len]
    ours = written(text, tokenizer)
    assert len(ours) == len(expected) or text.stop == "loop" or ours != expected[: len(ours)]
    same = next((step for step, pair in enumerate(zip(ours, expected, strict=False)) if pair[0] != pair[1]), len(ours))
    if same == len(ours):
        return True
    if ours[same] in signs_within(ours[:same], tokenizer):
        return False
    path = torch.tensor([[*task.initial_tokens, *expected[:same]]])
    exact = model.decoder(path, features)[0, -1]
    assert abs(float(exact[ours[same]] - exact[expected[same]])) <= 2 * SUMS * float(exact.std())
    return False
