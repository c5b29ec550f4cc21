"""The result of speech recognition for one utterance."""

from typing import Annotated

from wire.messages.base import OMITTED, Message


class Word(Message):
    """One word, with its punctuation and the space before it. Joined, all words are the text."""

    text: str
    start_ms: int
    """Beginning on the session's audio clock, ms, gaps included."""
    end_ms: int
    """End on the session's audio clock, ms, gaps included."""
    probability: float
    """Confidence of the engine, 0–1."""


class Transcript(Message):
    """The text of one utterance, with the engine's confidence in it."""

    text: str
    language: str
    """Language of the text: ``en`` after a translation."""
    language_probability: float | None
    """Probability of the detected language by the audio alone, 0–1; None when the session fixed it."""
    avg_logprob: float
    """Mean log-probability of the tokens, ≤ 0."""
    no_speech_prob: float
    """Whisper's probability that the audio has no speech, 0–1."""
    model: str
    """Name of the model that made it."""
    words: tuple[Word, ...] = ()
    continues: Annotated[bool | None, OMITTED] = None
    """True: the speech shows that the text goes on with the sentence of the text before, though that ended with a full
    stop. False: that sentence was over. None: nothing is known."""
