"""The header that every benchmark prints, and the file that it writes."""

import json
import os
import platform
from pathlib import Path

from rich.console import Console

FOLDER = Path("bench-results")
X86_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
ARM64_FEATURES = ("asimddp", "i8mm", "bf16")
"""Names in ``/proc/cpuinfo`` of the instructions that matrix products use."""
AVX2_ONLY = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "FBGEMM_ENABLE_INSTRUCTIONS": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "CT2_FORCE_CPU_ISA": "AVX2",
}
"""Environment of processes in which torch and CTranslate2 use no later instructions."""


def print_header(docstring: str | None) -> None:
    """Print what is measured, the first paragraph of a module's ``docstring``, and on which machine."""
    measured = " ".join((docstring or "").partition("\n\n")[0].split())
    Console(highlight=False, soft_wrap=True).print(f"{measured}\n{machine()}\n")


def machine() -> str:
    """Describe the processor: model, cores that this process may use, and instructions for matrix products."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        lines = []
    info = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    model = info.get("model name") or platform.processor() or platform.machine()
    supported = info.get("flags", info.get("Features", "")).split()
    features = [name for name in (*X86_FEATURES, *ARM64_FEATURES) if name in supported]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores, {' '.join(features) or 'no known vector instructions'}"


def write_results(name: str, results: object) -> None:
    """Write ``bench-results/NAME.json`` and print its path."""
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{name}.json"
    file.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"written to {file}")
