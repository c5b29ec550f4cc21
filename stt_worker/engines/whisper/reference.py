"""The recording whose silence stands for that behind every utterance (see ``silence``).

"has never been surpassed.", from LJSpeech (https://keithito.com/LJ-Speech-Dataset/, public domain), 1.8 s at 16 kHz.
"""

import math
import wave
from pathlib import Path

from whisper.audio import TOKENS_PER_SECOND

from wire.audio import SAMPLE_RATE, Samples, decode_pcm, to_float

RECORDING = Path(__file__).with_name("reference.wav")
MARGIN_S = 1.0
"""Silence that still belongs to the speech before it."""


def reference_speech() -> Samples:
    """Return the recording."""
    with wave.open(str(RECORDING)) as file:
        return to_float(decode_pcm(file.readframes(file.getnframes())))


def silence_begin(samples: int) -> int:
    """Return the position of the encoder from which on the recording is silent."""
    position: int = math.ceil(TOKENS_PER_SECOND * (samples / SAMPLE_RATE + MARGIN_S))
    return position
