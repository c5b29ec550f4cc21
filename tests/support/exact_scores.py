"""Scores of the decoder beside the library's exact ones: float32, plain products, along the path that ours took.

Two programs that compute in different formats, or only sum in another order, choose different tokens where two scores
nearly tie, and from there on their texts differ. So the library is led along our path, and each choice is judged by its
exact score: where our scores of the best token and of the chosen one lie within E of the exact ones, the exact score of
the chosen one lies within 2 E of the best, whatever the machine.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from whisper.decoding import DecodingOptions, DecodingTask
from whisper.model import Whisper
from whisper.tokenizer import Tokenizer

from stt_worker.engines.whisper.decoder import Decoder
from stt_worker.engines.whisper.greedy import Decoded, GreedySearch
from stt_worker.engines.whisper.kv_cache import KVCache
from stt_worker.engines.whisper.prompt import Prompt
from stt_worker.engines.whisper.vocabulary import Vocabulary

LIKELY = 5
"""Tokens of a step whose scores count: of the others, the rough ones in int8 are off by more and never chosen."""


class _Kept(Vocabulary):
    """Another vocabulary, whose scores are kept: first those after the start of the transcript, then one step each."""

    def __init__(self, inner: Vocabulary) -> None:
        self._inner = inner
        self.scores: list[Tensor] = []

    def __call__(self, states: Tensor, suppressed: Tensor | None = None) -> Tensor:
        self.scores.append(self._inner(states, suppressed))
        return self.scores[-1]


@dataclass
class Judged:
    """One decoded text."""

    text: Decoded
    error: float
    """Largest difference of a log-probability from the exact one, nats, over the likely tokens of all steps: the
    chosen one, and the ``LIKELY`` best by exact scores."""
    shortfall: float
    """Largest distance of a choice's exact log-probability below the best exact one, nats."""
    no_speech_prob: float
    """Exact."""


@torch.inference_mode()
def judge(
    model: Whisper, tokenizer: Tokenizer, decoder: Decoder, vocabulary: Vocabulary, cache: KVCache, features: Tensor
) -> Judged:
    """Decode one utterance and compare each step.

    Args:
        decoder: made from ``model`` in the format that is judged.
        vocabulary: likewise.
        cache: of the utterance, from ``decoder``.
        features: exact ones of the utterance, as the library's encoder makes them, (1, audio positions, state).
    """
    kept = _Kept(vocabulary)
    search = GreedySearch(decoder, kept, tokenizer, model.device)
    prompt = Prompt(tokenizer.sot_sequence_including_notimestamps, sot=0)
    (text,) = search.run(cache, [prompt], [decoder.n_ctx], [lambda: None])

    options = DecodingOptions(language=tokenizer.language, without_timestamps=True, fp16=False)
    task = DecodingTask(model, options)
    assert task.initial_tokens == prompt.tokens
    chosen = [*text.tokens, tokenizer.eot] if text.stop == "end" else text.tokens
    path = torch.tensor([[*prompt.tokens, *chosen]])
    logits = model.decoder(path[:, :-1], features)[0]
    judged = Judged(text, 0.0, 0.0, float(logits[0].softmax(-1)[tokenizer.no_speech]))
    first = len(prompt.tokens)
    assert len(kept.scores) == 1 + len(chosen)
    for step, (token, ours) in enumerate(zip(chosen, kept.scores[1:], strict=True)):
        exact = logits[first + step - 1 : first + step].clone()
        for each in task.logit_filters:
            each.apply(exact, path[:, : first + step])
        assert torch.equal(exact.isinf(), ours.isinf())
        logprobs = exact.log_softmax(-1)[0]
        likely = [token, *logprobs.topk(LIKELY).indices.tolist()]
        errors = (ours.log_softmax(-1)[0] - logprobs)[likely].abs()
        judged.error = max(judged.error, float(errors.max()), abs(text.logprobs[step] - float(logprobs[token])))
        judged.shortfall = max(judged.shortfall, float(logprobs.max() - logprobs[token]))
    return judged
