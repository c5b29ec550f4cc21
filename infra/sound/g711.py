"""G.711, the coding of telephone speech: 8 bits a sample, in the µ-law (North America, Japan) or the A-law (elsewhere).

The tables follow from the definition in ITU-T Recommendation G.711: each law has eight segments of 16 equal steps, each
segment with steps twice as large as the one before (A-law: from the third on). Levels are scaled to 16 bits: a unit
of the µ-law's table is 4, one of the A-law's 8.
"""

import numpy as np
from numpy.typing import NDArray

from wire.audio import Pcm

RATE = 8_000
"""Hertz, of telephone speech; the coding itself has none."""
_SIGN = 0x80
_STEPS = np.arange(16)
"""Numbers of the steps of a segment."""
_MU_EDGES = np.concatenate([((_STEPS * 8 + 128) << segment) - 132 for segment in range(8)])
_MU_EDGES[0] = 0
"""Lowest level of each of the 128 steps, at 16 bits."""
_A_EDGES = np.concatenate([_STEPS * 16, *(((_STEPS * 16 + 256) << segment) for segment in range(7))])
_MU_LEVELS = np.concatenate([((_STEPS * 8 + 132) << segment) - 132 for segment in range(8)])
"""Level that stands for each step: its middle, and 0 for the first one."""
_A_LEVELS = np.concatenate([_STEPS * 16 + 8, *(((_STEPS * 16 + 264) << segment) for segment in range(7))])
_MU_MASK = 0xFF
"""Bits that the µ-law inverts, so that quiet speech has many ones."""
_A_MASK = 0x55
"""Every other bit."""


def decode_mulaw(data: bytes) -> Pcm:
    """Decode µ-law, one byte a sample, to as many Int16 samples."""
    return _MU_TABLE[np.frombuffer(data, np.uint8)]


def decode_alaw(data: bytes) -> Pcm:
    """Decode A-law, one byte a sample, to as many Int16 samples."""
    return _A_TABLE[np.frombuffer(data, np.uint8)]


def encode_mulaw(pcm: Pcm) -> bytes:
    """Encode Int16 samples in the µ-law. Louder than ±32,635 is clipped."""
    return _encode(pcm, _MU_EDGES, negative=_SIGN, mask=_MU_MASK)


def encode_alaw(pcm: Pcm) -> bytes:
    """Encode Int16 samples in the A-law."""
    return _encode(pcm, _A_EDGES, negative=0, mask=_A_MASK)


def _encode(pcm: Pcm, edges: NDArray[np.int_], *, negative: int, mask: int) -> bytes:
    step = np.searchsorted(edges, np.abs(pcm.astype(np.int32)), side="right") - 1
    sign = np.where(pcm < 0, negative, _SIGN - negative)
    return ((step | sign) ^ mask).astype(np.uint8).tobytes()


def _table(levels: NDArray[np.int_], *, negative: int, mask: int) -> Pcm:
    """Return the sample of each of the 256 codes."""
    codes = np.arange(256) ^ mask
    magnitudes = levels[codes & (_SIGN - 1)]
    table: Pcm = np.where(codes & _SIGN == negative, -magnitudes, magnitudes).astype(np.int16)
    return table


_MU_TABLE = _table(_MU_LEVELS, negative=_SIGN, mask=_MU_MASK)
_A_TABLE = _table(_A_LEVELS, negative=0, mask=_A_MASK)
