"""The result of speech recognition for one utterance."""

from wire.messages.base import Message


class Word(Message):
    """One word, with its punctuation and the space before it: all of them joined are the text."""

    text: str
    start_ms: int
    """On the session's audio clock, gaps included."""
    end_ms: int
    probability: float
    """Confidence of the engine, 0–1."""


class Transcript(Message):
    """The text of one utterance, with the engine's confidence in it."""

    text: str
    language: str
    """Of the text: ``en`` after a translation."""
    language_probability: float | None
    """None when the session fixed the language."""
    avg_logprob: float
    """Mean log-probability of the tokens, ≤ 0."""
    no_speech_prob: float
    """Whisper's probability that the audio has no speech, 0–1."""
    model: str
    words: tuple[Word, ...] = ()
