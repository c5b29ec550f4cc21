"""The tokens that the decoder reads before it writes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from whisper.tokenizer import Tokenizer

from stt_worker.engines.base import RecognitionConfig

PROMPT_TOKENS = 64
"""Tokens kept from the end of a session's prompt. Each costs time in every utterance, and Whisper continues a long
prompt instead of using its words."""


@dataclass(frozen=True)
class Prompt:
    """Special tokens, with preceding text before them and the beginning of the text after them."""

    tokens: tuple[int, ...]
    sot: int
    """Index of the start-of-transcript token, whose state gives the probability of no speech."""
    prefix_len: int = 0
    """Number of last tokens that are the beginning of the text."""
    context_len: int = 0
    """Number of tokens before those that are the text of the context."""

    @property
    def given(self) -> int:
        """Number of last tokens that the text begins with: those of the context and of its own beginning."""
        return self.context_len + self.prefix_len

    @property
    def last_of_context(self) -> int | None:
        """Last token of the context; None without one, or if the text has a beginning of its own."""
        return self.tokens[-1] if self.context_len > 1 and not self.prefix_len else None

    def followed_by(self, text: Sequence[int]) -> "Prompt":
        """Return a prompt with a text behind the context, in place of the prefix."""
        until = len(self.tokens) - self.prefix_len
        return replace(self, tokens=(*self.tokens[:until], *text), prefix_len=len(text))


def make_prompt(tokenizer: Tokenizer, config: RecognitionConfig) -> Prompt:
    """Return the tokens of ``whisper.decoding.DecodingTask._get_initial_tokens``."""
    before: list[int] = []
    if config.prompt.strip():
        before = [tokenizer.sot_prev, *_encode(tokenizer, config.prompt)[-PROMPT_TOKENS:]]
    prefix = _encode(tokenizer, config.prefix) if config.prefix.strip() else []
    context = _encode(tokenizer, config.context.text) if config.context is not None else []
    tokens = (*before, *tokenizer.sot_sequence_including_notimestamps, *context, *prefix)
    return Prompt(tokens, sot=len(before), prefix_len=len(prefix), context_len=len(context))


def _encode(tokenizer: Tokenizer, text: str) -> list[int]:
    """Encode a text from outside: even ``<|endoftext|>`` is only letters."""
    tokens: list[int] = tokenizer.encode(f" {text.strip()}", disallowed_special=())
    return tokens
