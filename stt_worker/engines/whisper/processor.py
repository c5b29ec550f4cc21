"""Finds by trial which number formats this machine executes, and chooses among them."""

import torch

from stt_worker.engines.whisper.linear import PACKS
from stt_worker.numerics import FORMATS, Format, Numerics, parse_numerics
from wire.errors import ModelError

TOLERANCE = 0.02
"""Largest relative error of a trial. Rounding costs 0.8 % in int8 and nothing in the others; an overflow costs half of
the result."""


class NumericsError(ModelError):
    """This machine cannot execute the formats of the setting."""


def executes(name: Format) -> bool:
    """True if torch packs weights in this format on this machine, and multiplies one row and several of them correctly.

    The factors are the largest of their range, so that sums overflow if they can. torch's list of quantised engines
    does not help: it contains engines that cannot pack.
    """
    size = 64
    exact = float(size)
    try:
        with torch.inference_mode():
            multiply = PACKS[name](torch.ones(size, size), torch.zeros(size))
            products = [multiply(torch.ones(rows, size)).float() for rows in (1, 7)]
    except (RuntimeError, AttributeError):  # torch cannot pack or multiply it here, or was built without the operator
        return False
    return all(bool(((product - exact).abs() <= TOLERANCE * exact).all()) for product in products)


def is_fast(name: Format) -> bool:
    """False for a format that this processor emulates: AVX-512 packs bfloat16 even without instructions for it."""
    if name == "bfloat16-packed":
        return _has("_is_avx512_bf16_supported") or _has("_is_amx_tile_supported")
    return True


def _has(question: str) -> bool:
    """Call a function of ``torch.cpu``; False if this torch lacks it: the names are private."""
    return bool(getattr(torch.cpu, question, bool)())


def choose_numerics(setting: str) -> Numerics:
    """Return the formats of a CPU: those of the setting, else the fastest that this machine executes.

    Args:
        setting: see ``parse_numerics``.

    Raises:
        NumericsError: ``numerics_unavailable``: this machine cannot execute a format of the setting.
    """
    wanted = parse_numerics(setting)
    for part, name in wanted.items():
        if not executes(name):
            able = [each for each in FORMATS[part] if executes(each)]
            raise NumericsError(
                "numerics_unavailable",
                f"STT_NUMERICS sets {part}={name}, which this machine cannot execute.",
                f"Set STT_NUMERICS=auto, or {part} to one of {', '.join(able)}.",
            )
    found = {part: next(each for each in names if is_fast(each) and executes(each)) for part, names in FORMATS.items()}
    return Numerics(**(found | wanted))
