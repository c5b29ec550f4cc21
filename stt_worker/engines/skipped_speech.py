"""Speech that a text skips is transcribed by itself, and its words are put where they were said.

Of several sentences in one utterance, Whisper sometimes leaves the first ones out. Its attention has no place for the
time of these: the word behind them seems to take seconds.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from stt_worker.engines.base import BatchEngine, Hypothesis, Outcome, RecognitionRequest, Word
from stt_worker.engines.text_key import text_key
from stt_worker.engines.wrapper import EngineWrapper
from wire.audio import SAMPLE_RATE, Samples

LONG_WORD_S, SKIPPED_S = 2.0, 4.0
"""Seconds of a word that is too long, and of such words in a row that have skipped speech among them. Of 2,500 words in
English and Korean, two others were too long, alone and with 2.2 and 2.8 s."""
LETTER_S = 0.17
"""Seconds of a letter in the words that are too long."""
VOICE_S = 2.0
"""Seconds of voice in what was skipped."""
MIN_LOGPROB = -0.8
"""Mean log-probability of its text."""


class Skipped(NamedTuple):
    """A stretch without words."""

    begin_s: float
    end_s: float
    words: int
    """Number of words before it."""


def find_skipped(words: Sequence[Word]) -> Skipped | None:
    """Return the first stretch of a text in which words are too long; None if there is none."""
    begun: float | None = None
    first, letters = 0, 0
    before_s = 0.0
    for number, word in enumerate([*words, None]):
        if word is not None and word.end_s - before_s > LONG_WORD_S:
            if begun is None:
                begun, first, letters = before_s, number, 0
            letters += len(text_key(word.text))
        elif begun is not None:
            end_s = before_s - LETTER_S * letters
            if before_s - begun > SKIPPED_S and end_s > begun:
                return Skipped(begun, end_s, first)
            begun = None
        before_s = word.end_s if word is not None else before_s
    return None


class SkippedSpeech(EngineWrapper):
    """Fills the texts of an engine where they skip speech. Texts that are soon replaced stay as they are."""

    def __init__(self, engine: BatchEngine, voice_s: Callable[[Samples], float]) -> None:
        """Use an engine.

        Args:
            engine: transcribes.
            voice_s: finds the seconds of voice, at least, in samples.
        """
        super().__init__(engine)
        self._voice_s = voice_s

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        """See ``BatchEngine``."""
        incomplete: dict[int, tuple[Hypothesis, Skipped]] = {}
        for index, outcome in self._engine.transcribe_all(requests):
            found = self._skipped(requests[index], outcome) if isinstance(outcome, Hypothesis) else None
            if found is None or isinstance(outcome, Exception):
                yield index, outcome
            else:
                incomplete[index] = outcome, found
        parts = {index: _part(requests[index], found) for index, (_, found) in incomplete.items()}
        for index, part in self._transcribe_some(parts):
            yield index, filled(*incomplete[index], part)

    def _skipped(self, request: RecognitionRequest, hypothesis: Hypothesis) -> Skipped | None:
        config = request.config
        is_replaced = bool(config.prefix) or not config.allow_fallback
        found = None if is_replaced or config.task == "translate" else find_skipped(hypothesis.words)
        if found is None or self._voice_s(_part(request, found).audio) < VOICE_S:
            return None
        return found


def _part(request: RecognitionRequest, skipped: Skipped) -> RecognitionRequest:
    """Return the request for what was skipped; only at the beginning of the audio, it has the same context."""
    begin, end = (round(second * SAMPLE_RATE) for second in skipped[:2])
    context = request.config.context if skipped.words == 0 else None
    return replace(request, audio=request.audio[begin:end], config=replace(request.config, context=context))


def filled(hypothesis: Hypothesis, skipped: Skipped, part: Outcome) -> Hypothesis:
    """Return a text with that of what it skipped, if that is probable and not the same again."""
    if isinstance(part, Exception) or not part.words or part.avg_logprob < MIN_LOGPROB:
        return hypothesis
    if part.language != hypothesis.language or text_key(part.text) in text_key(hypothesis.text):
        return hypothesis
    at, words = skipped.words, hypothesis.words
    inside = [word.later(skipped.begin_s) for word in part.words]
    behind = replace(words[at], start_s=min(max(words[at].start_s, skipped.end_s), words[at].end_s))
    continues = part.continues if at == 0 else hypothesis.continues
    whole = hypothesis.with_words([*words[:at], *inside, behind, *words[at + 1 :]])
    return replace(whole, continues=continues)
