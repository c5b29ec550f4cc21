"""Pure: recognises audio that is not the PCM it should be, by its first bytes and by its first samples."""

import numpy as np
from numpy.typing import NDArray

from wire.audio import SAMPLE_BYTES, Pcm, decode_pcm

BLOCK = 1_600
"""Samples that are judged together: 100 ms at 16 kHz."""
CHECKED = 200
"""Blocks with sound that are judged at most, half a millisecond each; what follows them is like them."""
SHOWN = 5
"""Blocks that show PCM, after which no other is judged: speech shows it in nine blocks of ten."""

MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1a\x45\xdf\xa3", "WebM or Matroska, as browsers record it"),
    (0, b"OggS", "an Ogg file (Opus or Vorbis)"),
    (4, b"ftyp", "an MP4 file"),
    (0, b"fLaC", "a FLAC file"),
    (0, b"ID3", "an MP3 file"),
    (8, b"WAVE", "a WAV file with its header"),
    (8, b"AIF", "an AIFF file"),
    (0, b"caff", "a CAF file"),
    (0, b".snd\0", "an AU file"),
    (0, b"#!AMR", "an AMR file"),
)
"""Offset, bytes there, and what begins so."""

_MPEG_BITRATES = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2_BITRATES = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
"""kbit/s of layer III, by index from 1."""
_MPEG_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Hertz, by version."""
CHAINED = 3
"""Headers of MPEG frames, each where the one before says: one may be chance."""

FLOATS = ((4, "64-bit", 4), (2, "32-bit", 7))
"""Kinds of floating-point numbers: 16-bit words in one, its name, and the bits below the exponent in its high word. The
order counts: 64-bit numbers of 16-bit samples are half zeros, and would pass for 32-bit ones."""
LEAST_FLOATS = 200
"""Fewest numbers that are not zero; a block has 800, or 400 of 64 bits."""
FLOAT_SHARE = 0.95
"""Least share of their high words, which have sign and exponent, that are those of numbers below 2 and above 2⁻²⁷."""
OTHER_SHARE = 0.5
"""Greatest such share of the other words. They are noise or zero; in PCM all words are alike."""
SIGN_SHARE = 0.1
"""Least share of each sign. Read as PCM these high words are 12,800 to 16,383, or −19,968 to −16,385: no sound has both
and nothing between them."""
EXPONENTS = 4
"""Fewest different exponents: what swings about zero has small values beside large ones."""

VALUES = 256
"""Sound of no more different values is of 8 bits, or quiet: it looks alike in both byte orders."""
NEIGHBOURS = BLOCK // 2
"""Fewest pairs of neighbours that count."""
CLOSER_BITS = 4.0
"""Neighbours lie 16 times closer, in the geometric mean, when the bytes are swapped. In the wrong order speech shows
4 to 8 bits in nine blocks of ten, at its usual level and down to 20 dB below. In the right order the most was 2.2:
speech at 8 to 48 kHz, 50 dB quieter to 60 dB louder (clipped), companded, of 10 and 12 bits; noise; tones."""


INT16 = "16-bit PCM"


def container(begin: bytes) -> str | None:
    """Return the kind of file that audio begins with; None for samples, and for too few bytes."""
    for offset, magic, name in MAGIC:
        if begin[offset : offset + len(magic)] == magic:
            return name
    return "an MP3 file" if _is_mp3(begin) else None


def sample_format(words: Pcm) -> str | None:
    """Return the sample format that a block shows, ``INT16`` or another; None if it shows none.

    Args:
        words: ``BLOCK`` samples.
    """
    swapped = words.byteswap()
    closer_bits = _closer_bits(words, swapped)
    if closer_bits <= -CLOSER_BITS:
        return INT16
    for order, candidate in (("little-endian", words), ("big-endian", swapped)):
        for lanes, bits, mantissa in FLOATS:
            if _is_float(candidate.view(np.uint16), lanes, mantissa):
                return f"{bits} floating-point samples ({order})"
    return "16-bit PCM in the wrong byte order (big-endian)" if closer_bits >= CLOSER_BITS else None


def _is_float(words: NDArray[np.uint16], lanes: int, mantissa: int) -> bool:
    """Return True if the words at one place of each number are high words of audio's, and those at no other are."""
    magnitudes = (words & 0x7FFF).reshape(-1, lanes)
    inside = (magnitudes >= 0x3200) & (magnitudes < 0x4000)
    *others, best = np.argsort(np.mean(inside, axis=0))
    numbers = magnitudes[:, best] != 0
    if np.count_nonzero(numbers) < LEAST_FLOATS or np.mean(inside[:, others], axis=0).max() > OTHER_SHARE:
        return False
    negative = np.mean(words.reshape(-1, lanes)[numbers, best] >= 0x8000)
    return bool(
        np.mean(inside[numbers, best]) >= FLOAT_SHARE
        and SIGN_SHARE <= negative <= 1 - SIGN_SHARE
        and len(np.unique(magnitudes[numbers, best] >> mantissa)) >= EXPONENTS
    )


def _closer_bits(words: Pcm, swapped: Pcm) -> float:
    """Return the bits by which neighbours lie closer when the bytes are swapped; 0 if too few neighbours count.

    Equal ones do not count, nor extremes: clipped sound has little else.
    """
    if np.count_nonzero(np.diff(np.sort(words))) < VALUES:
        return 0.0
    inside = (words > words.min()) & (words < words.max())
    apart, apart_swapped = (np.abs(np.diff(pcm.astype(np.int32))) for pcm in (words, swapped))
    counted = inside[1:] & inside[:-1] & (apart > 0)
    if np.count_nonzero(counted) < NEIGHBOURS:
        return 0.0
    return float(np.mean(np.log2(1 + apart[counted]) - np.log2(1 + apart_swapped[counted])))


def _is_mp3(data: bytes) -> bool:
    at, lengths = 0, list[int]()
    while len(lengths) < CHAINED and (length := _mp3_frame(data[at : at + 4])):
        lengths.append(length)
        at += length
    return len(lengths) == CHAINED


def _mp3_frame(header: bytes) -> int:
    """Return the length of an MPEG layer III frame in bytes; 0 if this is no header of one."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, bitrate, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version not in _MPEG_RATES or not 1 <= bitrate <= 14 or rate == 3:
        return 0
    kbits = (_MPEG_BITRATES if version == 3 else _MPEG2_BITRATES)[bitrate - 1]
    return (144 if version == 3 else 72) * 1000 * kbits // _MPEG_RATES[version][rate] + (header[2] >> 1 & 1)


class FormatCheck:
    """Checks the beginning of one stream, whatever messages it comes in."""

    def __init__(self) -> None:
        self._pending = bytearray()
        """Audio that does not fill a block yet."""
        self._begun = False
        """True after the first block."""
        self._left = CHECKED
        self._shown = 0
        """Blocks that show PCM."""

    def find(self, pcm: bytes) -> str | None:
        """Take in audio; return the format that it has in place of PCM, once that is certain."""
        if not self._left:
            return None
        self._pending += pcm
        if not self._begun and (found := container(bytes(self._pending))):
            return found
        while self._left and len(self._pending) >= BLOCK * SAMPLE_BYTES:
            self._begun = True
            block = decode_pcm(bytes(self._pending[: BLOCK * SAMPLE_BYTES]))
            del self._pending[: BLOCK * SAMPLE_BYTES]
            if np.ptp(block.astype(np.int32)) < VALUES:
                continue
            self._left -= 1
            found = sample_format(block)
            if found not in {None, INT16}:
                return found
            self._shown += found == INT16
            if self._shown == SHOWN:
                self._left = 0
                self._pending.clear()
        return None
