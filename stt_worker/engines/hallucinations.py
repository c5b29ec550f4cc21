"""Judges if a text was spoken: Whisper invents some where there is little or no speech."""

from stt_worker.engines.base import MIN_AVG_LOGPROB, Hypothesis
from stt_worker.engines.known_hallucinations import is_credit, is_sign_off

MAX_NO_SPEECH_PROB = 0.5
"""Whisper's own estimate, up to which an uncertain text is accepted in confident speech: at most 0.34 in 151 cut
answers, at least 0.59 in noises that Silero takes for confident speech."""
MAX_FAINT_NO_SPEECH_PROB = 0.35
"""The same for any text where there is hardly any speech: a murmuring crowd, amplified, has 0.39, real words 0.25."""


def accept(hypothesis: Hypothesis, *, is_confident: bool) -> bool:
    """Decide if a text is kept, more strictly the less speech there is. The lists of known texts are the last resort.

    Args:
        hypothesis: Whisper's text, its log-probability and its probability of no speech.
        is_confident: voice activity detection is certain of speech. One of two is enough then: a text that Whisper is
            certain of, or its certainty that there is speech.
    """
    if is_credit(hypothesis.text):
        return False
    is_certain = hypothesis.avg_logprob >= MIN_AVG_LOGPROB
    sign_off = is_sign_off(hypothesis.text)
    if not is_confident:
        return is_certain and not sign_off and hypothesis.no_speech_prob <= MAX_FAINT_NO_SPEECH_PROB
    has_speech = hypothesis.no_speech_prob <= MAX_NO_SPEECH_PROB
    return (is_certain and has_speech) if sign_off else (is_certain or has_speech)
