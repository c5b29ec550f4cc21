"""Greedy search: the text of ``whisper.decode`` at temperature 0 without timestamps, for a batch of utterances."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from whisper.tokenizer import Tokenizer

from stt_worker.engines.whisper.decoder import Decoder
from stt_worker.engines.whisper.kv_cache import KVCache
from stt_worker.engines.whisper.marks import Marks
from stt_worker.engines.whisper.prompt import Prompt
from stt_worker.engines.whisper.repetition import loop_length
from stt_worker.engines.whisper.suppression import Suppression
from stt_worker.engines.whisper.vocabulary import Vocabulary

GOES_ON = 0.15
"""Probability of the mark behind a context, seen together with the speech that follows, below which its sentence goes
on. Of 126 marks in English and Korean speech 20 had less; by reading them, 19 of these were inside of a sentence."""

Stop = Literal["end", "limit", "loop"]


@dataclass
class Decoded:
    """One text."""

    tokens: list[int] = field(default_factory=list)
    """Without special tokens; includes the prefix."""
    logprobs: list[float] = field(default_factory=list)
    """One per chosen token, and one for the end of text if it was reached."""
    prefix_len: int = 0
    """Number of first tokens that come from the prefix: they were not chosen and have no log-probability."""
    attention_offset: int = 0
    """Row of ``attention`` whose token is followed by the first token of the text."""
    no_speech_prob: float = 0.0
    attention: Tensor | None = None
    """Scores of the alignment heads before softmax, (heads, rows, audio positions). One row per token that the decoder
    read: those of the prompt from start-of-transcript on, then those of the text, except a last one without an end."""
    error: Exception | None = None
    """The reason why decoding was given up."""
    marks: list[tuple[float, float]] = field(default_factory=list)
    """Parallel to ``logprobs``: probabilities of a mark that ends a sentence, and of a comma, instead of that token."""
    stop: Stop = "limit"
    """The model ended the text, it reached its token limit, or it repeats itself."""
    times: NDArray[np.float64] | None = None
    """Those of ``token_times``, once they are computed."""
    continues: bool | None = None
    """True if the sentence at the end of the context goes on although a mark closed it, which is replaced by a comma;
    False if the mark is right; None if there is none."""

    def first(self, count: int) -> "Decoded":
        """Return the first ``count`` tokens as a text that the model ended there; unchanged if these are all."""
        if count == len(self.tokens):
            return self
        logprobs = self.logprobs[: max(0, count - self.prefix_len)]
        return replace(self, tokens=self.tokens[:count], logprobs=logprobs, stop="end", times=None)

    def followed_by(self, rest: "Decoded") -> "Decoded":
        """Return the text with what was decoded after it, for which all of it was the prefix."""
        count = len(self.tokens) - self.prefix_len
        return replace(
            rest,
            logprobs=self.logprobs[:count] + rest.logprobs,
            marks=self.marks[:count] + rest.marks,
            prefix_len=self.prefix_len,
            times=None,
        )

    def after(self, tokens: int, positions: int) -> "Decoded":
        """Return what follows a context of some tokens of the prefix, and some positions of the audio."""
        if not tokens:
            return self
        attention = None if self.attention is None else self.attention[:, :, positions:]
        return replace(
            self,
            tokens=self.tokens[tokens:],
            prefix_len=self.prefix_len - tokens,
            attention_offset=self.attention_offset + tokens,
            attention=attention,
            times=None,
        )

    @property
    def avg_logprob(self) -> float:
        """Mean log-probability as in ``whisper.decode``: the end of text counts as a token if the model chose it."""
        return sum(self.logprobs) / max(1, len(self.logprobs))


class _AttentionLog:
    """Scores of the alignment heads, collected over the steps of a batch that shrinks."""

    def __init__(self) -> None:
        self._steps: list[tuple[Sequence[int], Sequence[Tensor]]] = []

    def add(self, utterances: Sequence[int], layers: Sequence[Tensor]) -> None:
        """Add a step: the utterances in it, and per layer their scores (batch, heads, tokens, audio positions)."""
        if layers:
            self._steps.append((utterances, layers))

    def of(self, utterance: int) -> Tensor | None:
        """Return the scores of one utterance (heads, tokens, audio positions); None if there are no alignment heads."""
        rows = [
            torch.cat([layer[utterances.index(utterance)] for layer in layers])
            for utterances, layers in self._steps
            if utterance in utterances
        ]
        return torch.cat(rows, dim=1) if rows else None


class GreedySearch:
    """Chooses the most likely token until the model ends the text."""

    def __init__(self, decoder: Decoder, vocabulary: Vocabulary, tokenizer: Tokenizer, device: torch.device) -> None:
        self._decoder = decoder
        self._vocabulary = vocabulary
        self._eot: int = tokenizer.eot
        self._no_speech: int = tokenizer.no_speech
        self._device = device
        self._suppression = Suppression(tokenizer, device)
        self._marks = Marks(tokenizer, device)

    def first_look(self, cache: KVCache, sot: int, languages: Sequence[int]) -> tuple[Tensor, list[float]]:
        """Return the probabilities of language tokens, (batch, languages), and of no speech, (batch,).

        The cache stays as it was.
        """
        state = self._decoder(torch.full((cache.batch_size, 1), sot, device=self._device), cache)
        cache.length -= 1
        logits = self._vocabulary(state[:, 0])
        no_speech: list[float] = logits.softmax(dim=-1)[:, self._no_speech].tolist()
        return logits[:, list(languages)].softmax(dim=-1), no_speech

    def run(
        self,
        cache: KVCache,
        prompts: Sequence[Prompt],
        max_tokens: Sequence[int],
        on_token: Sequence[Callable[[], None]],
        *,
        goes_on: bool = False,
    ) -> list[Decoded]:
        """Decode the texts of a batch.

        Args:
            cache: from ``Decoder.precompute_cross_kv``; used up.
            prompts: one per utterance, of equal length, with ``sot`` at the same index and prefixes of equal length.
            max_tokens: per utterance, the most tokens of its text.
            on_token: per utterance, called without arguments after each token. Its exception gives up this utterance
                and becomes ``Decoded.error``.
            goes_on: no text ends with its prefix. The first token's log-probability is that beside an end of text.
        """
        log = _AttentionLog()
        active: Sequence[int] = range(len(prompts))
        texts, state = self._prefill(cache, prompts, log)
        suppressed = self._suppression.first(len(prompts))
        if prompts[0].given:
            last = torch.tensor([text.tokens[-1] for text in texts], device=self._device)
            suppressed = self._suppression.after(last)
        free = self._decoder.n_ctx - cache.length
        for _ in range(min(free, self._decoder.n_ctx // 2)):  # half, as ``DecodingTask.sample_len``
            logits = self._vocabulary(state, suppressed)
            total = logits.logsumexp(dim=-1)
            if goes_on and not texts[0].logprobs:
                logits[:, self._eot] = -torch.inf
            best, chosen = logits.max(dim=-1)
            logprobs = (best - total).tolist()
            marks = self._marks(logits, total)
            kept = []
            for row, (utterance, token, logprob) in enumerate(zip(active, chosen.tolist(), logprobs, strict=True)):
                texts[utterance].marks.append(marks[row])
                if self._append(texts[utterance], token, logprob, max_tokens[utterance], on_token[utterance]):
                    kept.append(row)
            if not kept:
                break
            if len(kept) < len(active):
                rows = torch.tensor(kept, device=self._device)
                cache.keep(rows)
                chosen, active = chosen[rows], [active[row] for row in kept]
            suppressed = self._suppression.after(chosen)
            scores: list[Tensor] = []
            state = self._decoder(chosen[:, None], cache, scores)[:, 0]
            log.add(active, scores)
        for utterance, text in enumerate(texts):
            text.attention = log.of(utterance)
        return texts

    def _prefill(self, cache: KVCache, prompts: Sequence[Prompt], log: _AttentionLog) -> tuple[list[Decoded], Tensor]:
        """Read the prompts; return the texts so far, and the state (batch, state) that the next token follows from."""
        scores: list[Tensor] = []
        tokens = torch.tensor([prompt.tokens for prompt in prompts], device=self._device)
        states = self._decoder(tokens, cache, scores)
        sot = prompts[0].sot
        continues = None
        if len(prompts) == 1 and self._marks.comma(prompts[0].last_of_context) is not None:
            continues = self._goes_on(states[:, -2])
            if continues:
                prompts, states, scores = self._reopen(prompts[0], cache, states, scores)
        log.add(range(len(prompts)), [layer[:, :, sot:] for layer in scores])
        no_speech = self._vocabulary(states[:, sot]).softmax(dim=-1)[:, self._no_speech].tolist()
        texts = [
            Decoded(
                list(prompt.tokens[len(prompt.tokens) - prompt.given :]),
                prefix_len=prompt.given,
                attention_offset=len(prompt.tokens) - prompt.sot - prompt.given - 1,
                no_speech_prob=probability,
                continues=continues,
            )
            for prompt, probability in zip(prompts, no_speech, strict=True)
        ]
        return texts, states[:, -1]

    def _goes_on(self, state: Tensor) -> bool:
        """Return True if the sentence of a context goes on: with what follows, its last mark is improbable.

        Args:
            state: after the token before the mark, (1, state).
        """
        logits = self._vocabulary(state)
        ((mark, _),) = self._marks(logits, logits.logsumexp(dim=-1))
        return mark < GOES_ON

    def _reopen(
        self, prompt: Prompt, cache: KVCache, states: Tensor, scores: Sequence[Tensor]
    ) -> tuple[list[Prompt], Tensor, list[Tensor]]:
        """Read a comma in place of the last mark of a context; return what ``_prefill`` has then.

        Without any sign, the rest of the session is written without signs.
        """
        comma = self._marks.comma(prompt.tokens[-1])
        assert comma is not None  # the last token is a mark
        cache.length -= 1
        newest: list[Tensor] = []
        state = self._decoder(torch.tensor([[comma]], device=self._device), cache, newest)
        return (
            [replace(prompt, tokens=(*prompt.tokens[:-1], comma))],
            torch.cat([states[:, :-1], state], dim=1),
            [torch.cat([layer[:, :, :-1], last], dim=2) for layer, last in zip(scores, newest, strict=True)],
        )

    def _append(self, text: Decoded, token: int, logprob: float, max_tokens: int, on_token: Callable[[], None]) -> bool:
        """Append a token; return False if the text ends with it."""
        text.logprobs.append(logprob)
        if token == self._eot:
            text.stop = "end"
            return False
        text.tokens.append(token)
        if loop_length(text.tokens):
            text.stop = "loop"
            return False
        try:
            on_token()
        except Exception as error:  # one utterance must not end the others of its batch
            text.error = error
            return False
        return len(text.tokens) < max_tokens
