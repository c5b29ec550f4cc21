"""Chooses the device of the model: the first visible GPU if it passes a self-test, else the CPU."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

import structlog
import torch
from torch import Tensor

from stt_worker.engines.base import DeviceLost, Hypothesis
from wire.errors import ModelError

SIDE = 256
"""Rows and columns of the matrices of the self-test."""
TOLERANCE = 0.05
"""Largest error of a product whose elements have a mean square of 1. Correct fp16 is off by about 0.002."""
CUDA_ERROR = re.compile("cuda error|cublas_status|cudnn_status|cudnn error", re.IGNORECASE)
"""Matches errors of the GPU. torch raises ``RuntimeError`` both for them and for errors of the program."""

log = structlog.get_logger()
M = TypeVar("M")
DeviceSetting = Literal["auto", "cpu", "cuda"]
Device = Literal["cpu", "cuda"]


class GpuError(ModelError):
    """The GPU is missing or failed its self-test."""


class SelfTestFailed(Exception):
    """The GPU computed a wrong result."""


@dataclass(frozen=True)
class Gpu:
    """One visible GPU."""

    name: str
    memory_mb: int
    """Total memory, MiB."""


def visible_gpus() -> list[Gpu]:
    """Return the GPUs that torch can use, as limited by ``CUDA_VISIBLE_DEVICES``."""
    if not torch.cuda.is_available():
        return []
    found = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return [Gpu(properties.name, properties.total_memory >> 20) for properties in found]


def choose_device(setting: DeviceSetting, gpus: Sequence[Gpu]) -> Device:
    """Return the device for a setting and the visible GPUs.

    Raises:
        GpuError: ``gpu_missing``: ``cuda`` is set and there is no GPU.
    """
    if setting == "cpu":
        return "cpu"
    if gpus:
        return "cuda"
    if setting == "cuda":
        raise GpuError(
            "gpu_missing",
            "STT_DEVICE is cuda, but torch sees no GPU.",
            "Check the driver, or set STT_DEVICE=auto.",
        )
    return "cpu"


def check_arithmetic(device: str, multiply: Callable[[Tensor, Tensor], Tensor] = torch.matmul) -> None:
    """Compare a matrix product in fp16 on the device with the same product in fp32 on the CPU.

    Raises:
        SelfTestFailed: they differ.
        RuntimeError: torch cannot compute on the device at all.
    """
    random = torch.Generator().manual_seed(0)
    left, right = (torch.randn(SIDE, SIDE, generator=random).div(SIDE**0.25).half() for _ in range(2))
    product = multiply(left.to(device), right.to(device)).cpu().float()
    error = (product - left.float() @ right.float()).abs().max().item()
    if not error <= TOLERANCE:  # also true for NaN
        raise SelfTestFailed(f"a matrix product in fp16 is off by {error:.2g}")


def check_transcription(hypothesis: Hypothesis) -> None:
    """Check that the model computes finite probabilities.

    Raises:
        SelfTestFailed: one of them is NaN or infinite.
    """
    if not (math.isfinite(hypothesis.avg_logprob) and math.isfinite(hypothesis.no_speech_prob)):
        raise SelfTestFailed("the transcription at start-up gave no finite probabilities")


@contextmanager
def device_may_be_lost() -> Iterator[None]:
    """Convert fatal CUDA errors: after them every later call fails too. Out of memory is not one of them.

    Raises:
        DeviceLost: in place of torch's error.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        if CUDA_ERROR.search(str(error)):
            raise DeviceLost(str(error)) from error
        raise


def load_on_device(
    setting: DeviceSetting,
    load: Callable[[Device], M],
    *,
    fallback: bool,
    probe: Callable[[], Sequence[Gpu]] = visible_gpus,
    check: Callable[[Device], None] = check_arithmetic,
) -> M:
    """Load a model on the device that the settings name.

    Args:
        setting: ``STT_DEVICE``.
        load: called with the device; loads the model and tries it there. A ``ModelError`` is about the model; any other
            exception on the GPU means that the GPU failed.
        fallback: use the CPU if the GPU fails or is missing.
        probe: returns the visible GPUs.
        check: self-test, called with the device before the model is loaded.

    Raises:
        GpuError: ``gpu_missing`` or ``gpu_failed``, unless ``fallback``.
        ModelError: raised by ``load``.
    """
    try:
        return _load_without_fallback(setting, load, probe, check)
    except GpuError as error:
        if not fallback:
            raise
        log.warning("gpu replaced by cpu", code=error.code, reason=error.message)
    return load("cpu")


def _load_without_fallback(
    setting: DeviceSetting,
    load: Callable[[Device], M],
    probe: Callable[[], Sequence[Gpu]],
    check: Callable[[Device], None],
) -> M:
    if setting == "cpu":
        return load("cpu")  # without a probe, which takes memory on the GPUs
    with _gpu_must_work():
        gpus = probe()
    if choose_device(setting, gpus) == "cpu":
        return load("cpu")
    _log_choice(gpus)
    with _gpu_must_work():
        check("cuda")
        return load("cuda")


def _log_choice(gpus: Sequence[Gpu]) -> None:
    advice = {"advice": "CUDA_VISIBLE_DEVICES assigns one GPU to each process"} if len(gpus) > 1 else {}
    log.info("gpu chosen", device="cuda:0", gpu=gpus[0].name, memory_mb=gpus[0].memory_mb, visible=len(gpus), **advice)


@contextmanager
def _gpu_must_work() -> Iterator[None]:
    """Convert every exception to ``gpu_failed``, except those about the model."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # the boundary: drivers and torch raise many types for an unusable GPU
        log.warning("gpu self-test failed", exc_info=True, error=str(error))
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise GpuError(
            "gpu_failed",
            f"The GPU failed its self-test: {reason}.",
            "Check the driver and free memory, or set STT_DEVICE=cpu. STT_GPU_FALLBACK=true uses the CPU if it fails.",
        ) from error
