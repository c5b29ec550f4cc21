"""Audio that the endpointer takes for speech, and for silence."""

import numpy as np

from wire.audio import encode_pcm


def speech(samples: int) -> bytes:
    return encode_pcm(np.where(np.arange(samples) // 20 % 2, 3_000, -3_000).astype(np.int16))


def quiet(samples: int) -> bytes:
    return encode_pcm(np.where(np.arange(samples) // 20 % 2, 20, -20).astype(np.int16))
