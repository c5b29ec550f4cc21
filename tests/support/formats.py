"""The number formats that this machine executes in this process, for tests that run each of them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import get_args

import torch

from stt_worker.engines.whisper.processor import executes
from stt_worker.numerics import FORMATS, INT8, Format, Numerics

USUAL_ENGINE: str = torch.backends.quantized.engine


@contextmanager
def quantized_engine(name: str) -> Iterator[None]:
    """Inside, torch packs int8 weights for this engine; they keep it."""
    torch.backends.quantized.engine = name
    try:
        yield
    finally:
        torch.backends.quantized.engine = USUAL_ENGINE


def engine_for(name: Format) -> str | None:
    """The quantised engine of torch that executes the format here, its usual one if that can; None: none does.

    QNNPACK adds up in 32 bits without VNNI, too: with it ``int8`` is tried on processors whose usual engine overflows.
    """
    for engine in (USUAL_ENGINE, "qnnpack") if name == "int8" else (USUAL_ENGINE,):
        if engine in torch.backends.quantized.supported_engines:
            with quantized_engine(engine):
                if executes(name):
                    return engine
    return None


ENGINES = {name: engine for name in get_args(Format) if (engine := engine_for(name)) is not None}
"""Every format that can be tested here, and the engine that its weights are packed with."""


def _numerics() -> Iterator[Numerics]:
    """Each format of each part beside exact ones, then the packed ones together."""
    yield Numerics("float32", "float32", "float32")
    for part, names in FORMATS.items():
        for name in names:
            if name in ENGINES and name != "float32":
                yield Numerics(**{"encoder": "float32", "decoder": "float32", "vocabulary": "float32", part: name})
    for encoder in ("float32", "bfloat16", "bfloat16-packed"):
        for int8 in ("int8", "int8-reduced"):
            if {encoder, int8} <= ENGINES.keys():
                yield Numerics(encoder, int8, int8)


NUMERICS = list(_numerics())
"""Every combination that is tested here."""


def packing(numerics: Numerics) -> AbstractContextManager[None]:
    """Around the packing of weights in these formats."""
    int8 = {numerics.decoder, numerics.vocabulary} & INT8
    return quantized_engine(ENGINES[int8.pop()] if int8 else USUAL_ENGINE)
