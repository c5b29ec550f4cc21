"""Converts an engine's hypothesis to what other services read."""

from stt_worker.engines.base import Hypothesis, is_silent
from stt_worker.engines.text_key import text_key
from wire.messages.jobs import NoSpeechReason, Task
from wire.messages.transcript import Transcript, Word

KEEP_LANGUAGE_PROB = 0.6
KEEP_LANGUAGE_S = 1.0
"""A detected language is expected again only if it is this probable, and different words take this long. The time of
the first word begins with the audio, so it includes the pre-roll: of words cut from 20 recordings, with 0.3 s of quiet
before them, most took 0.2 to 0.4 s longer than they were; those of a second 1.3 s."""


def is_speech(hypothesis: Hypothesis) -> bool:
    """True if there is a text worth showing."""
    return bool(hypothesis.text.strip()) and not is_silent(hypothesis.no_speech_prob, hypothesis.avg_logprob)


def reason_not_shown(hypothesis: Hypothesis, min_logprob: float) -> NoSpeechReason | None:
    """Return the reason for not showing a text; None if it is shown.

    Args:
        hypothesis: its text and probabilities.
        min_logprob: mean log-probability of a token from which a text is shown (``STT_MIN_LOGPROB``).
    """
    if not is_speech(hypothesis):
        return "silence"
    return "uncertain" if hypothesis.avg_logprob < min_logprob else None


def language_to_keep(hypothesis: Hypothesis) -> str | None:
    """Return the detected language if it is certain enough to be expected again. One short answer never decides."""
    probability = hypothesis.language_probability
    is_certain = probability is not None and probability >= KEEP_LANGUAGE_PROB
    return hypothesis.language if is_certain and _seconds_of_words(hypothesis) >= KEEP_LANGUAGE_S else None


def _seconds_of_words(hypothesis: Hypothesis) -> float:
    """Return the time of the words of a text; those that are said again add nothing to it."""
    different = {text_key(word.text): word.end_s - word.start_s for word in reversed(hypothesis.words)}
    return sum(different.values())


def to_transcript(hypothesis: Hypothesis, model: str, task: Task, start_ms: int) -> Transcript:
    """Convert a hypothesis; seconds of the audio become milliseconds of the session.

    Args:
        hypothesis: contains speech.
        model: name of the model that made it.
        task: a translation is English.
        start_ms: position of the audio on the session's audio clock.
    """
    return Transcript(
        text=hypothesis.text.strip(),
        language="en" if task == "translate" else hypothesis.language,
        language_probability=hypothesis.language_probability,
        avg_logprob=hypothesis.avg_logprob,
        no_speech_prob=hypothesis.no_speech_prob,
        model=model,
        continues=hypothesis.continues,
        words=tuple(
            Word(
                text=word.text,
                start_ms=start_ms + round(word.start_s * 1000),
                end_ms=start_ms + round(word.end_s * 1000),
                probability=round(word.probability, 3),
            )
            for word in hypothesis.words
        ),
    )
