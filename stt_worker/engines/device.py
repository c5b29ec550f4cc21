"""Where the model runs: on the first visible GPU, which is tested before it is trusted, or on the CPU."""

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
"""Largest error of a product whose elements have a mean square of 1; correct fp16 is off by about 0.002."""
CUDA_ERROR = re.compile("cuda error|cublas_status|cudnn_status|cudnn error", re.IGNORECASE)
"""How torch tells errors of the GPU from those of a program, both of which are ``RuntimeError``."""

log = structlog.get_logger()
M = TypeVar("M")
Wanted = Literal["auto", "cpu", "cuda"]
Device = Literal["cpu", "cuda"]


class GpuError(ModelError):
    """There is no GPU, or it failed its self-test."""


class SelfTestFailed(Exception):
    """The GPU computed, and the result is wrong."""


@dataclass(frozen=True)
class Gpu:
    name: str
    memory_mb: int


def visible_gpus() -> list[Gpu]:
    """What ``CUDA_VISIBLE_DEVICES`` leaves of the GPUs that torch can use."""
    if not torch.cuda.is_available():
        return []
    found = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return [Gpu(properties.name, properties.total_memory >> 20) for properties in found]


def choose_device(wanted: Wanted, gpus: Sequence[Gpu]) -> Device:
    """
    Raises:
        GpuError: ``gpu_missing``, when a GPU was asked for and there is none.
    """
    if wanted == "cpu":
        return "cpu"
    if gpus:
        return "cuda"
    if wanted == "cuda":
        raise GpuError(
            "gpu_missing",
            "STT_DEVICE is cuda, but torch sees no GPU.",
            "Check the driver, or set STT_DEVICE=auto.",
        )
    return "cpu"


def check_arithmetic(device: str, multiply: Callable[[Tensor, Tensor], Tensor] = torch.matmul) -> None:
    """Compare a product in fp16 on the device with the same in fp32 on the CPU.

    Raises:
        SelfTestFailed: they differ. What torch raises when the device cannot compute at all passes through.
    """
    random = torch.Generator().manual_seed(0)
    left, right = (torch.randn(SIDE, SIDE, generator=random).div(SIDE**0.25).half() for _ in range(2))
    product = multiply(left.to(device), right.to(device)).cpu().float()
    error = (product - left.float() @ right.float()).abs().max().item()
    if not error <= TOLERANCE:  # so that NaN fails, too
        raise SelfTestFailed(f"a matrix product in fp16 is off by {error:.2g}")


def check_transcription(heard: Hypothesis) -> None:
    """
    Raises:
        SelfTestFailed: the model's probabilities are not numbers.
    """
    if not (math.isfinite(heard.avg_logprob) and math.isfinite(heard.no_speech_prob)):
        raise SelfTestFailed("the transcription at start-up gave no finite probabilities")


@contextmanager
def device_may_be_lost() -> Iterator[None]:
    """Around what is computed: after a CUDA error every later call fails, too, unless it was only out of memory.

    Raises:
        DeviceLost: instead of torch's error.
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
    wanted: Wanted,
    load: Callable[[Device], M],
    *,
    fallback: bool,
    probe: Callable[[], Sequence[Gpu]] = visible_gpus,
    check: Callable[[Device], None] = check_arithmetic,
) -> M:
    """Load a model where the settings want it.

    Args:
        wanted: ``STT_DEVICE``.
        load: loads the model on a device and tries it there. A ``ModelError`` is about the model; whatever else it
            raises on the GPU means that the GPU failed.
        fallback: use the CPU when the GPU fails or is missing.
        probe: finds the GPUs.
        check: the self-test before the model is loaded.

    Raises:
        GpuError: ``gpu_missing`` or ``gpu_failed``, unless ``fallback``.
        ModelError: what ``load`` raises.
    """
    try:
        return _load_where_wanted(wanted, load, probe, check)
    except GpuError as error:
        if not fallback:
            raise
        log.warning("the CPU is used instead of a GPU", code=error.code, reason=error.message)
    return load("cpu")


def _load_where_wanted(
    wanted: Wanted, load: Callable[[Device], M], probe: Callable[[], Sequence[Gpu]], check: Callable[[Device], None]
) -> M:
    if wanted == "cpu":
        return load("cpu")  # without a look at the GPUs, which takes memory on them
    with _gpu_must_work():
        gpus = probe()
    if choose_device(wanted, gpus) == "cpu":
        return load("cpu")
    _announce(gpus)
    with _gpu_must_work():
        check("cuda")
        return load("cuda")


def _announce(gpus: Sequence[Gpu]) -> None:
    advice = {"advice": "CUDA_VISIBLE_DEVICES assigns one GPU to each process"} if len(gpus) > 1 else {}
    log.info("gpu chosen", device="cuda:0", gpu=gpus[0].name, memory_mb=gpus[0].memory_mb, visible=len(gpus), **advice)


@contextmanager
def _gpu_must_work() -> Iterator[None]:
    """Whatever is raised inside, unless it is about the model, becomes ``gpu_failed``."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # the boundary: drivers and torch raise all kinds for a GPU that cannot be used
        log.warning("gpu self-test failed", exc_info=True)
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise GpuError(
            "gpu_failed",
            f"The GPU failed its self-test: {reason}.",
            "Check its driver and free memory; STT_DEVICE=cpu does without it, STT_GPU_FALLBACK=true when it fails.",
        ) from error
