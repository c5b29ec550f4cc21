"""Texts that end before the speech does: Whisper often ends one with a sentence, although others follow it.

Its own programs find that by timestamps, which cost tokens in each text. Here the words' times show it, and the text
goes on where it ended: the audio is encoded already. Of Korean sentences of several speakers joined at short pauses,
25 % of the characters were wrong without this and 16 % with it; of English ones hardly any text ended early.
"""

from collections.abc import Callable

from stt_worker.engines.base import MIN_AVG_LOGPROB, is_silent
from stt_worker.engines.known_hallucinations import is_credit, is_sign_off
from stt_worker.engines.level import FRAME, is_loud
from stt_worker.engines.whisper.greedy import Decoded
from stt_worker.engines.whisper.word_timestamps import token_times
from wire.audio import SAMPLE_RATE, Samples

MISSED_S = 1.0
"""Seconds of sound after the last word that are more than its end, or a breath."""
VOICE_S = 0.5
"""Seconds of it with a voice: laughter, music and a fan are no words."""
MOST = 8
"""Times that a text is continued: an utterance of 30 s has hardly more sentences."""

VoiceSeconds = Callable[[Samples], float]
"""Samples → at least how many seconds of them have a voice."""


def all_seconds(audio: Samples) -> float:
    """Take all sound for voice."""
    return len(audio) / SAMPLE_RATE


def missed_s(decoded: Decoded, audio: Samples, voice_s: VoiceSeconds) -> float:
    """Return the seconds after a text that the model ended although there is more speech; 0 if there is none.

    Args:
        decoded: with attention to the audio alone.
        audio: of the utterance, with sound.
        voice_s: finds the voice.
    """
    seconds = len(audio) / SAMPLE_RATE
    is_over = decoded.stop == "end" and bool(decoded.tokens)
    if not is_over or seconds <= MISSED_S or is_silent(decoded.no_speech_prob, decoded.avg_logprob):
        return 0.0
    end_s = float(token_times(decoded, seconds)[-1])
    sound = is_loud(audio)[round(end_s * SAMPLE_RATE / FRAME) :]
    if sound.sum() * FRAME <= MISSED_S * SAMPLE_RATE or voice_s(audio[round(end_s * SAMPLE_RATE) :]) < VOICE_S:
        return 0.0
    return seconds - end_s


def is_spoken(rest: Decoded, text: str) -> bool:
    """True if what was decoded behind a text is probable enough, and none of the texts that Whisper invents there."""
    is_probable = rest.stop == "end" and rest.avg_logprob >= MIN_AVG_LOGPROB
    return is_probable and not is_sign_off(text) and not is_credit(text)
