"""Reads ``model.bin`` of a CTranslate2 model, version 6: a list of named tensors, little-endian, without padding.

Source: https://github.com/OpenNMT/CTranslate2/blob/master/python/ctranslate2/specs/model_spec.py
"""

import struct

import numpy as np
import torch

BINARY_VERSION = 6
_DTYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}
"""CTranslate2's number of a data type → numpy's name, little-endian."""


def read_tensors(data: bytes) -> dict[str, torch.Tensor]:
    """Return the named tensors of a ``model.bin``, without aliases (a second name of the same matrix).

    Raises:
        ValueError: the data are truncated, too long or of another version.
    """
    reader = _Reader(data)
    if (version := reader.number("I")) != BINARY_VERSION:
        raise ValueError(f"its version is {version} instead of {BINARY_VERSION}")
    reader.text()  # name of the specification
    reader.number("I")  # revision of the specification
    tensors = {}
    for _ in range(reader.number("I")):
        name = reader.text()
        tensors[name] = reader.tensor()
    for _ in range(reader.number("I")):
        reader.text()  # alias
        reader.text()  # what it stands for
    reader.expect_end()
    return tensors


class _Reader:
    """Reads ``model.bin`` sequentially."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0

    def number(self, code: str) -> int:
        """Read one unsigned integer: ``B`` is 8 bits, ``H`` 16, ``I`` 32."""
        value: int = struct.unpack(f"<{code}", self._take(struct.calcsize(code)))[0]
        return value

    def text(self) -> str:
        """Read a string: its length, its bytes and a NUL."""
        return bytes(self._take(self.number("H"))).rstrip(b"\0").decode("utf-8", "replace")

    def tensor(self) -> torch.Tensor:
        """Read one tensor: its shape, its data type, its length in bytes and its numbers."""
        shape = [self.number("I") for _ in range(self.number("B"))]
        dtype = _DTYPES.get(number := self.number("B"))
        if dtype is None:
            raise ValueError(f"it has a tensor of the unknown data type {number}")
        values = np.frombuffer(self._take(self.number("I")), dtype)
        return torch.from_numpy(values.reshape(shape).copy())

    def expect_end(self) -> None:
        """Raise ``ValueError`` if bytes are left."""
        if self._at != len(self._data):
            raise ValueError(f"{len(self._data) - self._at} bytes follow its end")

    def _take(self, count: int) -> memoryview:
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise ValueError(f"it ends after {len(self._data)} bytes, in the middle of a tensor or a name")
        self._at += count
        return taken
