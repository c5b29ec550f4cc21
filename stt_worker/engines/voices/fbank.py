"""Log energies of 80 mel bands, as Kaldi computes them and as CAM++ was trained with.

Frames of 25 ms every 10 ms; the mean of each band over the utterance is taken off, so its level does not matter.
Source: https://github.com/kaldi-asr/kaldi/tree/master/src/feat, ``feature-fbank`` and what it uses.
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import pad

from wire.audio import SAMPLE_RATE

BANDS = 80
FRAME, STEP = SAMPLE_RATE * 25 // 1000, SAMPLE_RATE * 10 // 1000
"""Samples of a frame, and between the beginnings of two."""
FFT = 512
PRE_EMPHASIS = 0.97
LOWEST_HZ, HIGHEST_HZ = 20.0, SAMPLE_RATE / 2


def mel_bands(audio: Tensor) -> Tensor:
    """Return the features of one utterance.

    Args:
        audio: float32 in [−1, 1), shape (samples,), 16 kHz; at least one frame.

    Returns:
        Shape (frames, ``BANDS``); the mean of each band is 0.
    """
    frames = audio.unfold(0, FRAME, STEP)
    frames = frames - frames.mean(1, keepdim=True)
    before = torch.cat((frames[:, :1], frames[:, :-1]), 1)
    frames = (frames - PRE_EMPHASIS * before) * _window()
    power = torch.fft.rfft(pad(frames, (0, FFT - FRAME))).abs().square()
    bands = (power @ _triangles()).clamp_min(torch.finfo(torch.float32).eps).log()
    centred: Tensor = bands - bands.mean(0)
    return centred


@cache
def _window() -> Tensor:
    """Return Kaldi's "povey" window: Hann's to the power of 0.85."""
    return torch.hann_window(FRAME, periodic=False) ** 0.85


@cache
def _triangles() -> Tensor:
    """Return the weight of each frequency in each band, shape (FFT / 2 + 1, BANDS). The highest frequency has none."""
    lowest, highest = _mel(torch.tensor([LOWEST_HZ, HIGHEST_HZ], dtype=torch.float64)).tolist()
    edges = torch.linspace(lowest, highest, BANDS + 2, dtype=torch.float64)
    frequencies = _mel(torch.arange(FFT // 2, dtype=torch.float64) * SAMPLE_RATE / FFT)[:, None]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    slopes = torch.minimum((frequencies - left) / (centre - left), (right - frequencies) / (right - centre))
    return pad(slopes.clamp_min(0.0), (0, 0, 0, 1)).float()


def _mel(hertz: Tensor) -> Tensor:
    return 1127.0 * (1.0 + hertz / 700.0).log()
