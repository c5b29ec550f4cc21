"""The GPU is chosen, tested and given up by rules that need no GPU."""

from collections.abc import Callable, Sequence

import pytest
import torch
from structlog.testing import capture_logs
from torch import Tensor

from stt_worker.engines.base import DeviceLost, Hypothesis
from stt_worker.engines.deadline import DeadlineExceeded
from stt_worker.engines.device import (
    Device,
    DeviceSetting,
    Gpu,
    GpuError,
    SelfTestFailed,
    check_arithmetic,
    check_transcription,
    choose_device,
    device_may_be_lost,
    load_on_device,
    visible_gpus,
)
from wire.errors import ModelError

SMALL = Gpu("Tesla T4", 15_360)
LARGE = Gpu("H100", 81_559)
NO_KERNEL = RuntimeError(
    "CUDA error: no kernel image is available for execution on the device\n"
    "CUDA kernel errors might be asynchronously reported at some other API call."
)


class Machine:
    """Some GPUs, each step of whose use can fail; a model loaded on it is the name of its device."""

    def __init__(
        self,
        *gpus: Gpu,
        probe: Exception | None = None,
        check: Exception | None = None,
        load: Exception | None = None,
        load_on_cpu: Exception | None = None,
    ) -> None:
        self._gpus = gpus
        self._probe, self._check = probe, check
        self._load = {"cuda": load, "cpu": load_on_cpu}
        self.steps: list[str] = []

    def start(self, wanted: DeviceSetting, *, fallback: bool = False) -> str:
        return load_on_device(wanted, self.load, fallback=fallback, probe=self.probe, check=self.check)

    def probe(self) -> Sequence[Gpu]:
        self._step("probe", self._probe)
        return self._gpus

    def check(self, device: Device) -> None:
        self._step(f"check {device}", self._check)

    def load(self, device: Device) -> str:
        self._step(f"load {device}", self._load[device])
        return device

    def _step(self, name: str, failure: Exception | None) -> None:
        self.steps.append(name)
        if failure is not None:
            raise failure


@pytest.mark.parametrize(
    ("wanted", "gpus", "chosen"),
    [
        ("cpu", [], "cpu"),
        ("cpu", [SMALL], "cpu"),
        ("auto", [], "cpu"),
        ("auto", [SMALL], "cuda"),
        ("auto", [SMALL, LARGE], "cuda"),
        ("cuda", [SMALL], "cuda"),
    ],
)
def test_a_gpu_is_taken_where_there_is_one(wanted: DeviceSetting, gpus: list[Gpu], chosen: Device) -> None:
    """``auto`` follows the machine, ``cpu`` and ``cuda`` are orders."""
    assert choose_device(wanted, gpus) == chosen


def test_a_gpu_that_was_asked_for_and_is_not_there_is_an_error() -> None:
    """``cuda`` never means the CPU by itself."""
    with pytest.raises(GpuError, match="STT_DEVICE") as refused:
        choose_device("cuda", [])
    assert refused.value.code == "gpu_missing"


def test_a_gpu_is_tested_before_the_model_is_loaded() -> None:
    """The model goes to the GPU only when it computes correctly."""
    machine = Machine(SMALL)
    assert machine.start("auto") == "cuda"
    assert machine.steps == ["probe", "check cuda", "load cuda"]


def test_auto_without_a_gpu_is_silent() -> None:
    """Most machines have none; that is nothing to report."""
    machine = Machine()
    with capture_logs() as logs:
        assert machine.start("auto") == "cpu"
    assert machine.steps == ["probe", "load cpu"]
    assert logs == []


def test_the_cpu_is_taken_without_a_look_at_the_gpus() -> None:
    """Looking costs memory on the GPU, and may fail."""
    machine = Machine(SMALL, probe=NO_KERNEL)
    assert machine.start("cpu") == "cpu"
    assert machine.steps == ["load cpu"]


@pytest.mark.parametrize("wanted", ["auto", "cuda"])
@pytest.mark.parametrize("step", ["probe", "check", "load"])
def test_a_gpu_that_fails_keeps_the_worker_from_starting(wanted: DeviceSetting, step: str) -> None:
    """Whichever step fails: one line of the reason, what to do, and no silent CPU."""
    machine = Machine(SMALL, **{step: NO_KERNEL})
    with pytest.raises(GpuError) as failed:
        machine.start(wanted)
    assert failed.value.code == "gpu_failed"
    assert failed.value.message == (
        "The GPU failed its self-test: CUDA error: no kernel image is available for execution on the device."
    )
    assert "STT_DEVICE=cpu" in failed.value.remedy
    assert "STT_GPU_FALLBACK=true" in failed.value.remedy
    assert "load cpu" not in machine.steps


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."), "CUDA out of memory. Tried to"),
        (SelfTestFailed("a matrix product in fp16 is off by nan"), "a matrix product in fp16 is off by nan"),
        (DeadlineExceeded("stt_deadline", "Transcribing took longer than 60 s.", ""), "took longer than 60 s"),
        (AssertionError(), "AssertionError"),
    ],
)
def test_every_kind_of_failure_says_its_reason(failure: Exception, reason: str) -> None:
    """Out of memory, wrong numbers, a GPU that crawls, an exception without a text."""
    with pytest.raises(GpuError) as failed:
        Machine(SMALL, load=failure).start("auto")
    assert failed.value.code == "gpu_failed"
    assert reason in failed.value.message


@pytest.mark.parametrize("wanted", ["auto", "cuda"])
@pytest.mark.parametrize("step", ["probe", "check", "load"])
def test_the_cpu_takes_over_when_told_to(wanted: DeviceSetting, step: str) -> None:
    """With ``STT_GPU_FALLBACK`` the worker starts, and a warning says on what and why."""
    machine = Machine(SMALL, **{step: NO_KERNEL})
    with capture_logs() as logs:
        assert machine.start(wanted, fallback=True) == "cpu"
    assert machine.steps[-1] == "load cpu"
    assert logs[-1]["log_level"] == "warning"
    assert logs[-1]["code"] == "gpu_failed"
    assert "no kernel image" in logs[-1]["reason"]


def test_a_missing_gpu_is_replaced_when_told_to() -> None:
    """``STT_DEVICE=cuda`` with ``STT_GPU_FALLBACK`` starts on any machine."""
    with capture_logs() as logs:
        assert Machine().start("cuda", fallback=True) == "cpu"
    assert [(line["log_level"], line["code"]) for line in logs] == [("warning", "gpu_missing")]


def test_a_missing_gpu_keeps_the_worker_from_starting() -> None:
    """Without ``STT_GPU_FALLBACK``, ``cuda`` waits for its GPU."""
    machine = Machine()
    with pytest.raises(GpuError) as refused:
        machine.start("cuda")
    assert refused.value.code == "gpu_missing"
    assert machine.steps == ["probe"]


@pytest.mark.parametrize("fallback", [False, True])
def test_a_broken_model_is_not_blamed_on_the_gpu(fallback: bool) -> None:
    """It would not load on the CPU either."""
    broken = ModelError("model_corrupt", "base.pt is not an openai-whisper checkpoint.", "Delete it.")
    machine = Machine(SMALL, load=broken)
    with pytest.raises(ModelError) as failed:
        machine.start("auto", fallback=fallback)
    assert failed.value is broken
    assert "load cpu" not in machine.steps


def test_a_failure_on_the_cpu_stays_what_it_is() -> None:
    """``gpu_failed`` is about GPUs."""
    failure = RuntimeError("not enough memory")
    with pytest.raises(RuntimeError) as failed:
        Machine(SMALL, check=NO_KERNEL, load_on_cpu=failure).start("auto", fallback=True)
    assert failed.value is failure


def test_the_first_of_several_gpus_is_taken_and_said() -> None:
    """One process, one GPU: the log says which, and how the others get a process of their own."""
    with capture_logs() as logs:
        Machine(SMALL, LARGE).start("auto")
    (line,) = logs
    assert line["log_level"] == "info"
    assert (line["device"], line["gpu"], line["memory_mb"], line["visible"]) == ("cuda:0", "Tesla T4", 15_360, 2)
    assert "CUDA_VISIBLE_DEVICES" in line["advice"]


def test_one_gpu_needs_no_advice() -> None:
    """There is nothing to assign."""
    with capture_logs() as logs:
        Machine(SMALL).start("auto")
    assert [line.get("advice") for line in logs] == [None]


def test_arithmetic_that_is_right_passes() -> None:
    """The self-test itself, on the device that every machine has."""
    check_arithmetic("cpu")


def filled_with(value: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda left, right: torch.full_like(left @ right, value)


@pytest.mark.parametrize(
    "multiply",
    [
        filled_with(float("nan")),
        filled_with(float("inf")),
        filled_with(0.0),
        lambda left, right: (left @ right).index_fill(0, torch.tensor([7]), 0.0),
        lambda left, right: left @ right * 1.1,
    ],
    ids=["nan", "infinite", "zero", "one row lost", "a tenth too large"],
)
def test_arithmetic_that_is_wrong_fails(multiply: Callable[[Tensor, Tensor], Tensor]) -> None:
    """A GPU that computes something else than the CPU must not transcribe."""
    with pytest.raises(SelfTestFailed, match="off by"):
        check_arithmetic("cpu", multiply)


def test_arithmetic_that_raises_fails() -> None:
    """What torch says reaches whoever asked for the test."""

    def no_kernel(_left: Tensor, _right: Tensor) -> Tensor:
        raise NO_KERNEL

    with pytest.raises(RuntimeError, match="no kernel image"):
        check_arithmetic("cpu", no_kernel)


def make_hypothesis(avg_logprob: float, no_speech_prob: float) -> Hypothesis:
    return Hypothesis("", "en", None, avg_logprob, no_speech_prob)


def test_a_transcription_with_numbers_passes() -> None:
    """Any finite probabilities do: silence is all that is transcribed at start-up."""
    check_transcription(make_hypothesis(-3.0, 1.0))


@pytest.mark.parametrize(
    "result",
    [make_hypothesis(float("nan"), 0.5), make_hypothesis(-float("inf"), 0.5), make_hypothesis(-0.5, float("nan"))],
)
def test_a_transcription_without_numbers_fails(result: Hypothesis) -> None:
    """The model overflows in fp16, though the matrix product was right."""
    with pytest.raises(SelfTestFailed, match="finite"):
        check_transcription(result)


def test_no_gpu_is_visible_without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe asks torch nothing else on a machine without a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert visible_gpus() == []


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (RuntimeError("CUDA error: an illegal memory access was encountered"), DeviceLost),
        (RuntimeError("CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`"), DeviceLost),
        (torch.OutOfMemoryError("CUDA out of memory."), torch.OutOfMemoryError),
        (RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"), RuntimeError),
    ],
)
def test_a_lost_gpu_is_told_from_other_errors(raised: Exception, expected: type[Exception]) -> None:
    """Too little memory and mistakes of a program leave it as it is."""
    with pytest.raises(expected) as caught, device_may_be_lost():
        raise raised
    assert type(caught.value) is expected
