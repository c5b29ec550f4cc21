"""Brings the speech of an utterance to one level before voice activity detection and Whisper.

Both were trained on many levels, but neither is indifferent: quiet speech has the log-mel frames of another recording,
and the silence that stands for the rest of Whisper's window (``whisper/silence.py``) has the level of one recording. Of
35 English and 35 Korean clips at −40 dBFS in a quiet room, 11.7 % of the words and 14.0 % of the characters were wrong
as they were, 5.5 and 13.2 % at this level; as they were recorded, 5.0 and 12.4 %, and 4.8 and 12.2 %.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stt_worker.engines.base import Outcome, RecognitionRequest
from stt_worker.engines.wrapper import EngineWrapper
from wire.audio import SAMPLE_RATE, Samples

LEVEL_DB = -18.6
"""Level of the speech, dBFS: that of the recording from which Whisper's silence is taken."""
MOST_GAIN_DB = 35.0
"""Quieter speech than −54 dBFS stays below ``LEVEL_DB``; there is hardly any, and the noise of converters is near."""
SPEECH_RANGE_DB = 20.0
"""Frames that are this much quieter than the loudest one count as pauses."""
FRAME = SAMPLE_RATE // 50
"""20 ms."""
DIGITAL_SILENCE = 1e-5
"""Highest sample of audio without any sound."""


class Levelled(EngineWrapper):
    """Changes the level of all audio in front of an engine."""

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        """See ``BatchEngine``."""
        return self._engine.transcribe_all([_levelled(each) for each in requests])


def _levelled(request: RecognitionRequest) -> RecognitionRequest:
    """Change the level of an utterance and of its context, each by itself: the context as when it was transcribed."""
    config, context = request.config, request.config.context
    if context is not None:
        config = replace(config, context=replace(context, audio=levelled(context.audio)))
    return replace(request, audio=levelled(request.audio), config=config)


def levelled(audio: Samples) -> Samples:
    """Return the audio with its speech at ``LEVEL_DB``; peaks are clipped to [−1, 1]."""
    if not len(audio) or float(np.abs(audio).max()) < DIGITAL_SILENCE:
        return audio
    gain = 10 ** (min(MOST_GAIN_DB, LEVEL_DB - speech_level(audio)) / 20)
    changed: Samples = np.clip(np.float32(gain) * audio, -1, 1).astype(np.float32)
    return changed


def speech_level(audio: Samples) -> float:
    """Return the root mean square of the frames with speech, in dBFS. Takes audio that has sound."""
    power = _power(audio)
    return float(10 * np.log10(power[_is_loud(power)].mean()))


def is_loud(audio: Samples) -> NDArray[np.bool_]:
    """Return, for each ``FRAME``, True if it is as loud as speech: no pause."""
    return _is_loud(_power(audio))


def _is_loud(power: NDArray[np.float64]) -> NDArray[np.bool_]:
    loud: NDArray[np.bool_] = power >= power.max() * 10 ** (-SPEECH_RANGE_DB / 10)
    return loud


def _power(audio: Samples) -> NDArray[np.float64]:
    """Return the mean square of each frame; zeros fill the last one."""
    whole = np.pad(audio, (0, -len(audio) % FRAME)).reshape(-1, FRAME)
    power: NDArray[np.float64] = np.square(whole, dtype=np.float64).mean(axis=1)
    return power
