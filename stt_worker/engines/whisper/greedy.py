"""Greedy search: the text of ``whisper.decode`` at temperature 0 without timestamps, for several utterances at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor
from whisper.tokenizer import Tokenizer

from stt_worker.engines.whisper.decoder import Decoder, Memory, Vocabulary
from stt_worker.engines.whisper.repetition import loop_length

Stop = Literal["end", "cap", "loop"]


@dataclass
class Decoded:
    """One text."""

    tokens: list[int] = field(default_factory=list)
    """Without special tokens; what was forced comes first."""
    logprobs: list[float] = field(default_factory=list)
    """Of each token that was chosen, and of the end where it was reached."""
    forced: int = 0
    """How many of the first tokens were not chosen, and so have no probability."""
    before: int = 0
    """Tokens of the prompt from the start of the transcript on that another one of it followed."""
    no_speech_prob: float = 0.0
    attention: Tensor | None = None
    """How the heads that follow the audio look at it, before softmax: (heads, rows, audio positions). A row for each
    token of the prompt from the start of the transcript on, then for each of the text but one that broke it off."""
    error: Exception | None = None
    """Why it was given up before its end."""
    stop: Stop = "cap"
    """The model ended it, it reached its cap, or it repeated itself."""

    def first(self, count: int) -> "Decoded":
        """Its first tokens, as if the model had ended it there; all of them: as it is."""
        if count == len(self.tokens):
            return self
        logprobs = self.logprobs[: max(0, count - self.forced)]
        return replace(self, tokens=self.tokens[:count], logprobs=logprobs, stop="end")

    @property
    def avg_logprob(self) -> float:
        """As ``whisper.decode`` computes it: the end counts as a token, where the model chose it."""
        return sum(self.logprobs) / max(1, len(self.logprobs))


@dataclass(frozen=True)
class Prompt:
    """What the decoder is told before it writes."""

    tokens: tuple[int, ...]
    sot: int
    """Index of the start-of-transcript token, whose state tells whether anybody speaks."""
    forced: int = 0
    """How many of the last tokens are the beginning of the text."""


class GreedySearch:
    """Chooses the most likely token until the model ends the text."""

    def __init__(self, decoder: Decoder, vocabulary: Vocabulary, tokenizer: Tokenizer, device: torch.device) -> None:
        self._decoder = decoder
        self._vocabulary = vocabulary
        self._eot: int = tokenizer.eot
        self._no_speech: int = tokenizer.no_speech
        self._device = device
        # Which tokens never appear in a text: ``whisper.decoding.DecodingTask._get_suppress_tokens`` for "-1".
        special = (
            tokenizer.transcribe, tokenizer.translate, tokenizer.sot, tokenizer.sot_prev, tokenizer.sot_lm,
            tokenizer.no_speech,
        )  # fmt: skip
        never = sorted({*tokenizer.non_speech_tokens, *special})
        self._never = torch.tensor(never, device=device)
        first = sorted({*never, *tokenizer.encode(" "), tokenizer.eot})
        self._never_first = torch.tensor(first, device=device)

    def languages(self, memory: Memory, sot: int, languages: Sequence[int]) -> Tensor:
        """Probabilities of the language tokens ``languages`` (batch, languages). The memory stays as it was."""
        state = self._decoder(torch.full((memory.batch, 1), sot, device=self._device), memory)
        memory.length -= 1
        return self._vocabulary(state[:, 0])[:, list(languages)].softmax(dim=-1)

    def run(
        self, memory: Memory, prompts: Sequence[Prompt], caps: Sequence[int], ticks: Sequence[Callable[[], None]]
    ) -> list[Decoded]:
        """Write the texts of a batch.

        Args:
            memory: from ``Decoder.listen``; used up.
            prompts: one for each utterance, all equally long, with ``sot`` at the same index.
            caps: most tokens of each text.
            ticks: of each utterance, called at each step; may raise to give that one up.
        """
        sot = prompts[0].sot
        attention: list[Tensor] = []
        tokens = torch.tensor([prompt.tokens for prompt in prompts], device=self._device)
        states = self._decoder(tokens, memory, attention)
        silence = self._vocabulary(states[:, sot]).softmax(dim=-1)[:, self._no_speech].tolist()
        found = [
            Decoded(
                list(prompt.tokens[len(prompt.tokens) - prompt.forced :]),
                forced=prompt.forced,
                before=len(prompt.tokens) - prompt.sot - prompt.forced - 1,
                no_speech_prob=probability,
            )
            for prompt, probability in zip(prompts, silence, strict=True)
        ]
        active, state = list(range(len(prompts))), states[:, -1]
        looks = [(active, [layer[:, :, sot:] for layer in attention])]
        suppressed = self._never if prompts[0].forced else self._never_first
        room = self._decoder.n_ctx - memory.length
        for _ in range(min(room, self._decoder.n_ctx // 2)):  # half, as ``DecodingTask.sample_len``
            logits = self._vocabulary(state, suppressed)
            suppressed = self._never
            best, chosen = logits.max(dim=-1)
            logprobs = (best - logits.logsumexp(dim=-1)).tolist()
            on = []
            for row, (utterance, token, logprob) in enumerate(zip(active, chosen.tolist(), logprobs, strict=True)):
                if self._goes_on(found[utterance], token, logprob, caps[utterance], ticks[utterance]):
                    on.append(row)
            if not on:
                break
            if len(on) < len(active):
                rows = torch.tensor(on, device=self._device)
                memory.keep(rows)
                chosen, active = chosen[rows], [active[row] for row in on]
            attention = []
            state = self._decoder(chosen[:, None], memory, attention)[:, 0]
            looks.append((active, attention))
        for utterance, text in enumerate(found):
            text.attention = _attention_of(utterance, looks)
        return found

    def _goes_on(self, text: Decoded, token: int, logprob: float, cap: int, tick: Callable[[], None]) -> bool:
        text.logprobs.append(logprob)
        if token == self._eot:
            text.stop = "end"
            return False
        text.tokens.append(token)
        if loop_length(text.tokens):
            text.stop = "loop"
            return False
        try:
            tick()
        except Exception as error:  # one utterance must not end the others of its batch
            text.error = error
            return False
        return len(text.tokens) < cap


def _attention_of(utterance: int, looks: Sequence[tuple[list[int], list[Tensor]]]) -> Tensor | None:
    """One utterance's part of what the steps of a batch looked at: of each, which utterances it was for, and per layer
    (batch, heads, count, audio positions)."""
    rows = [
        torch.cat([layer[active.index(utterance)] for layer in layers])
        for active, layers in looks
        if layers and utterance in active
    ]
    return torch.cat(rows, dim=1) if rows else None
