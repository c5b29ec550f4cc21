"""Q4_0: 32 weights in 18 bytes, a float16 scale d and 16 bytes b.

Weight j is ((b[j] & 15) − 8)·d, weight j + 16 is ((b[j] >> 4) − 8)·d. The format is that of llama.cpp.
"""

import os
import weakref
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
"""Weights in a Q4_0 block."""
BLOCK_BYTES = 18

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


class QuantizedRows:
    """Rows of a Q4_0 matrix, read from its file when they are needed.

    Rows that were read stay in the kernel's cache of the file, where they count for no process. A mapped file would
    count for the process with 64 KiB for each row of 216 bytes that it meets.
    """

    def __init__(self, path: Path, offset: int, columns: int) -> None:
        """Open the file.

        Args:
            path: the file.
            offset: start of the matrix in bytes.
            columns: weights per row, a multiple of 32.

        Raises:
            OSError: the file cannot be opened.
        """
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        self._offset = offset
        self._blocks = columns // BLOCK

    def read(self, rows: NDArray[np.int64]) -> Floats:
        """Return the rows of these numbers, (*rows, columns) float32.

        Raises:
            ValueError: the file ends before one of them.
        """
        different, places = np.unique(rows, return_inverse=True)
        size = self._blocks * BLOCK_BYTES
        content = b"".join(os.pread(self._file, size, self._offset + row * size) for row in different.tolist())
        decoded = dequantize(np.frombuffer(content, np.uint8).reshape(-1, self._blocks, BLOCK_BYTES))
        return decoded.reshape(len(different), self._blocks * BLOCK)[places.reshape(rows.shape)]


def dequantize(blocks: Bytes) -> Floats:
    """Decode Q4_0 blocks, (…, 18) uint8, to (…, 32) float32."""
    scale = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    nibbles = blocks[..., 2:]
    levels = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).astype(np.float32)
    levels -= 8.0
    levels *= scale
    return levels
