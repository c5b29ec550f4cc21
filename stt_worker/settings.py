"""Settings of the speech-to-text worker, read from ``STT_*``."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from infra.settings import WireSettings, service_config
from stt_worker.numerics import parse_numerics


def _numerics(text: str) -> str:
    parse_numerics(text)
    return text


class Settings(WireSettings):
    model_config = service_config("STT_")

    model: str = "base"
    """Name of an openai-whisper model, path of a checkpoint, or ``instant`` (a fixed text, for measuring overhead)."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` takes a GPU (fp16) if there is one."""
    gpu_fallback: bool = False
    """Use the CPU when the GPU fails its self-test at start-up, or STT_DEVICE=cuda finds none; otherwise the worker
    stays not ready and says why."""
    threads: Annotated[int, Field(ge=0, le=256)] = 0
    """CPU threads of one process; 0 leaves it to torch (all cores)."""
    numerics: Annotated[str, AfterValidator(_numerics)] = "auto"
    """Number formats of the matrix products on a CPU: auto tries what this one executes and takes the fastest, float32
    is exact and runs everywhere, and encoder=…,decoder=…,vocabulary=… sets some of them (docs/speech-to-text.md)."""
    deadline_s: Annotated[float, Field(gt=0, le=80)] = 60.0
    """Seconds for one utterance, checked while decoding; the process ends itself at twice that."""
    max_rss_mb: Annotated[int, Field(ge=0)] = 4000
    """Resident memory in MiB after which the process lets itself be restarted; 0 for no limit."""
