"""Number formats of the engine's matrix products: one explicit choice per process, made when the model is loaded."""

from dataclasses import dataclass, fields
from typing import Literal, get_args

Format = Literal["float32", "float16", "bfloat16", "bfloat16-packed", "int8", "int8-reduced"]
"""Each name is one program: it gives the same numbers on every machine, except for the order of sums.

* ``float32``, ``float16``: torch's own product in the type of the weights.
* ``bfloat16``: torch's own product of factors rounded to bfloat16. Every processor executes it, most of them slowly.
* ``bfloat16-packed``: the same with weights laid out by oneDNN; requires AVX-512.
* ``int8``: weights in 8 bits with a scale per output, activations in 8 bits; requires VNNI on x86.
* ``int8-reduced``: the same with activations in 7 bits, for processors that sum two products in 16 bits, which overflow
  with 8-bit activations.
"""
INT8 = frozenset({"int8", "int8-reduced"})
BFLOAT16 = frozenset({"bfloat16", "bfloat16-packed"})

FORMATS: dict[str, tuple[Format, ...]] = {
    "encoder": ("bfloat16-packed", "float32", "bfloat16"),
    "decoder": ("int8", "int8-reduced", "float32"),
    "vocabulary": ("int8", "int8-reduced", "float32"),
}
"""Formats of each part on a CPU, the fastest first."""


@dataclass(frozen=True)
class Numerics:
    """The format of each part of the engine."""

    encoder: Format
    """Products with all positions of the audio at once: the encoder's, and the decoder's keys and values of the audio.
    In bfloat16 the encoder's attention is computed in bfloat16 too."""
    decoder: Format
    """Products with one row per step. With int8 the audio's keys and values are stored in bfloat16, half as large."""
    vocabulary: Format
    """Scores of all tokens. With int8 the best of them are computed again in the type of the weights."""

    def __str__(self) -> str:
        """Return the value of ``STT_NUMERICS`` for these formats."""
        return ",".join(f"{field.name}={getattr(self, field.name)}" for field in fields(self))


FLOAT32 = Numerics("float32", "float32", "float32")
"""Exact; executed everywhere."""
FLOAT16 = Numerics("float16", "float16", "float16")
"""The formats on a GPU."""


def parse_numerics(text: str) -> dict[str, Format]:
    """Return the format of each part that the text names; the others depend on the machine.

    Args:
        text: ``auto`` (names no part), ``float32`` (names all), or ``part=format`` separated by commas.

    Raises:
        ValueError: an unknown part or format.
    """
    if text == "auto":
        return {}
    if text == "float32":
        return dict.fromkeys(FORMATS, "float32")
    wanted: dict[str, Format] = {}
    for entry in text.split(","):
        part, _, name = (each.strip() for each in entry.partition("="))
        chosen = next((each for each in get_args(Format) if each == name), None)
        if chosen not in FORMATS.get(part, ()):
            parts = "; ".join(f"{each} is one of {', '.join(formats)}" for each, formats in FORMATS.items())
            raise ValueError(f"write auto, float32, or part=format separated by commas, where {parts}")
        wanted[part] = chosen
    return wanted
