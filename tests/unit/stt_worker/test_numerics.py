"""The choice of number formats: what the setting may say, and what the machine makes of it."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bench.results import AVX2_ONLY
from infra.settings import load_settings
from stt_worker.engines.whisper import load, processor
from stt_worker.engines.whisper.linear import PACKS, Linear
from stt_worker.engines.whisper.processor import NumericsError, choose_numerics, executes, is_fast
from stt_worker.numerics import FLOAT32, FORMATS, Format, Numerics, parse_numerics
from stt_worker.settings import Settings
from tests.support.formats import ENGINES
from wire.errors import ConfigurationError

ROOT = Path(__file__).parents[3]
X86 = platform.machine() == "x86_64"
WEAKEST = AVX2_ONLY if X86 else {"ATEN_CPU_CAPABILITY": "default"}
"""Environment in which torch, oneDNN and FBGEMM leave out what later processors have."""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("auto", {}),
        ("float32", {"encoder": "float32", "decoder": "float32", "vocabulary": "float32"}),
        ("decoder=int8-reduced", {"decoder": "int8-reduced"}),
        ("encoder=bfloat16, vocabulary=int8", {"encoder": "bfloat16", "vocabulary": "int8"}),
        (str(FLOAT32), {"encoder": "float32", "decoder": "float32", "vocabulary": "float32"}),
    ],
)
def test_the_setting_names_some_formats_or_all(text: str, wanted: dict[str, Format]) -> None:
    """And what the log writes can be set."""
    assert parse_numerics(text) == wanted


@pytest.mark.parametrize("text", ["int8", "decoder", "decoder=bfloat16", "encoder=float16", "audio=float32", "="])
def test_a_format_that_no_machine_has_is_refused_at_start(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STT_NUMERICS", text)
    with pytest.raises(ConfigurationError, match="STT_NUMERICS: write auto, float32, or part=format"):
        load_settings(Settings)


def test_the_choice_can_be_executed_and_set() -> None:
    """Of every part; the formats chosen alone can be asked for."""
    chosen = choose_numerics("auto")
    for part in FORMATS:
        assert executes(getattr(chosen, part))
    assert choose_numerics(str(chosen)) == chosen
    assert choose_numerics("float32") == FLOAT32
    assert choose_numerics("encoder=float32").decoder == chosen.decoder


def test_a_format_that_this_machine_lacks_is_refused_with_those_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "executes", lambda name: name != "int8")
    with pytest.raises(NumericsError, match="decoder=int8, which this machine cannot execute") as refused:
        choose_numerics("decoder=int8")
    assert refused.value.code == "numerics_unavailable"
    assert "int8-reduced, float32" in refused.value.remedy


@pytest.mark.parametrize(
    ("able", "fast", "chosen"),
    [
        ({"int8", "int8-reduced", "bfloat16-packed"}, True, Numerics("bfloat16-packed", "int8", "int8")),
        ({"int8", "int8-reduced", "bfloat16-packed"}, False, Numerics("float32", "int8", "int8")),
        ({"int8-reduced"}, True, Numerics("float32", "int8-reduced", "int8-reduced")),
        (set(), True, FLOAT32),
    ],
)
def test_the_fastest_format_that_is_executed_is_chosen(
    able: set[str], chosen: Numerics, monkeypatch: pytest.MonkeyPatch, *, fast: bool
) -> None:
    """A processor with AVX-512, VNNI and bfloat16 or without that; one with AVX2; one that packs nothing."""
    monkeypatch.setattr(processor, "executes", lambda name: name in able | {"float32", "bfloat16"})
    monkeypatch.setattr(processor, "is_fast", lambda name: fast or name != "bfloat16-packed")
    assert choose_numerics("auto") == chosen


def _saturating(weight: Tensor, bias: Tensor | None) -> Linear:
    """As FBGEMM without VNNI and with 8-bit activations: two products of 255 × 127 end at 2¹⁵ − 1."""
    multiply = PACKS["float32"](weight, bias)
    return lambda x: multiply(x) * (2**15 - 1) / (2 * 255 * 127)


def _wrong_for_one_row(weight: Tensor, bias: Tensor | None) -> Linear:
    multiply = PACKS["float32"](weight, bias)
    return lambda x: multiply(x) * (1 if len(x) > 1 else torch.nan)


def _not_packed(*_: object) -> Linear:
    raise RuntimeError("Didn't find engine for operation quantized::linear_prepack NoQEngine")


def _not_built(*_: object) -> Linear:
    raise AttributeError("'_OpNamespace' 'mkldnn' object has no attribute '_reorder_linear_weight'")


@pytest.mark.parametrize("pack", [_saturating, _wrong_for_one_row, _not_packed, _not_built])
def test_a_format_that_cannot_pack_or_multiplies_wrongly_is_refused(
    pack: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PACKS, "int8", pack)
    assert not executes("int8")


def test_a_torch_without_the_private_names_has_no_fast_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer torch may rename them, and the worker must load with it."""
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert not is_fast("bfloat16-packed")
    assert choose_numerics("auto").encoder == "float32"


def test_a_refused_setting_is_found_before_the_weights_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker tries to load again and again."""
    monkeypatch.setattr(processor, "executes", lambda name: name != "int8")
    monkeypatch.setattr(load, "find_weights", lambda *_, **__: pytest.fail("searched for the weights"))
    with pytest.raises(NumericsError, match="decoder=int8"):
        load.load_whisper(Settings(device="cpu", numerics="decoder=int8"))


def test_no_format_of_this_machine_is_left_untested() -> None:
    """The tests of the formats run those that ``executes`` accepts, so it must not refuse one that the machine has."""
    expected = {"float32", "float16", "bfloat16"}
    if X86:
        expected |= {"int8", "int8-reduced"}
        assert executes("int8-reduced")
    assert expected <= ENGINES.keys()
    if "ATEN_CPU_CAPABILITY" not in os.environ:
        assert executes("int8") or not getattr(torch.cpu, "_is_vnni_supported", bool)()
        assert executes("bfloat16-packed") or not is_fast("bfloat16-packed")


def test_the_processor_is_as_weak_as_the_environment_says() -> None:
    """Otherwise the test below would try the same program twice."""
    usual = torch.backends.cpu.get_cpu_capability()
    assert usual == os.environ.get("ATEN_CPU_CAPABILITY", usual).upper()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_format_is_right_on_the_weakest_processors() -> None:
    """The tests of the formats pass in a process that uses no instruction beyond AVX2, or on arm64 no later ones."""
    files = [str(Path(__file__).with_name(name)) for name in ("test_numerics.py", "test_encoder_decoder.py")]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not weakest", *files],
        cwd=ROOT, env=os.environ | WEAKEST | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
