"""A file like the real one, small enough to be written for a test."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from analyzer_worker.weights.q4 import BLOCK, Floats

HIDDEN, LAYERS, HEADS, FEED_FORWARD, POSITIONS, TYPES = 32, 2, 2, 64, 64, 2
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
WORDS = "i it is the a you love hate bus here good bad great awful ten at"
PIECES: Mapping[str, float] = {
    **{f"▁{word}": -3.0 for word in WORDS.split()},
    **dict.fromkeys(["▁", *"abcdefghijklmnopqrstuvwxyz.!?,'"], -9.0),
    "ing": -5.0,
    "▁회의": -4.0,
    "는": -4.5,
}
"""Piece → log-probability; after the four special pieces, in this order."""
NORMALIZER = {"A": "a", "I": "i", "T": "t", "\t": " ", "ﬁ": "fi", "\u200b": ""}


def write_tiny_e5(path: Path, seed: int = 0) -> Path:
    """Write a file with random weights and return its path."""
    random = np.random.default_rng(seed)
    pieces = [*SPECIAL, *PIECES]
    head = struct.pack(
        "<4sI7ifi", b"E5S1", 1, HIDDEN, LAYERS, HEADS, FEED_FORWARD, len(pieces) + 3, POSITIONS, TYPES, 1e-12, BLOCK
    )
    encoded = [piece.encode() for piece in pieces]
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, sum(map(len, encoded)))
    head += np.cumsum([0, *map(len, encoded)]).astype("<u4").tobytes()
    head += np.array([0.0] * len(SPECIAL) + list(PIECES.values())).astype("<f4").tobytes() + b"".join(encoded)
    records = b"".join(_record(ord(code), text) for code, text in NORMALIZER.items())
    head += struct.pack("<iI", len(NORMALIZER), len(records)) + records
    tensors = {name: _content(name, shape, random) for name, shape in shapes(len(pieces) + 3).items()}
    directory_size = 4 + sum(2 + len(name) + 21 for name in tensors)
    offset = len(head) + directory_size
    directory = struct.pack("<i", len(tensors))
    for name, (kind, numbers, content) in tensors.items():
        directory += struct.pack(f"<H{len(name)}s", len(name), name.encode())
        directory += struct.pack("<BIQQ", kind, numbers, offset, len(content))
        offset += len(content)
    path.write_bytes(head + directory + b"".join(content for _, _, content in tensors.values()))
    return path


def shapes(words: int) -> dict[str, tuple[int, ...]]:
    """Name → shape of each tensor."""
    square, narrow, wide = (HIDDEN, HIDDEN), (HIDDEN, FEED_FORWARD), (FEED_FORWARD, HIDDEN)
    names: dict[str, tuple[int, ...]] = {
        "emb.word": (words, HIDDEN),
        "emb.pos": (POSITIONS, HIDDEN),
        "emb.type": (TYPES, HIDDEN),
        "emb.ln.w": (HIDDEN,),
        "emb.ln.b": (HIDDEN,),
    }
    for layer in range(LAYERS):
        for name, shape in {"q": square, "k": square, "v": square, "ao": square, "fi": wide, "fo": narrow}.items():
            names |= {f"l{layer}.{name}.w": shape, f"l{layer}.{name}.b": shape[:1]}
        names |= {f"l{layer}.{norm}.{part}": (HIDDEN,) for norm in ("aln", "oln") for part in "wb"}
    return names


def quantize(values: Floats) -> bytes:
    """Encode numbers, a multiple of 32, as Q4_0: 16 levels per block, around zero."""
    blocks = values.reshape(-1, BLOCK)
    scale = (np.abs(blocks).max(1, keepdims=True) / 7).astype("<f2")
    levels = (np.rint(blocks / np.maximum(scale.astype(np.float32), 1e-8)).clip(-8, 7) + 8).astype(np.uint8)
    nibbles = levels[:, :16] | (levels[:, 16:] << 4)
    return np.concatenate([scale.view(np.uint8), nibbles], axis=1).tobytes()


def _content(name: str, shape: Sequence[int], random: np.random.Generator) -> tuple[int, int, bytes]:
    values = random.normal(0, 0.3, shape).astype("<f4")
    if name.endswith("ln.w"):
        values = np.abs(values) + 1
    quantized = len(shape) == 2 and name not in {"emb.pos", "emb.type"}
    return (1, values.size, quantize(values)) if quantized else (0, values.size, values.tobytes())


def _record(code: int, text: str) -> bytes:
    return struct.pack(f"<IB{len(text)}I", code, len(text), *map(ord, text))
