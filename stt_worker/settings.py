"""Settings of the speech-to-text worker, read from ``STT_*``."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from infra.settings import WireSettings, service_config
from stt_worker.numerics import parse_numerics


def _numerics(text: str) -> str:
    """Raise ``ValueError`` unless the text can be parsed."""
    parse_numerics(text)
    return text


class Settings(WireSettings):
    """Environment variables with the prefix ``STT_``, and those of every service."""

    model_config = service_config("STT_")

    model: str = "base"
    """Name of an openai-whisper model, path of a file or folder with one, or ``instant`` (a fixed text, for measuring
    overhead)."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` uses a GPU (fp16) if there is one."""
    gpu_fallback: bool = False
    """Use the CPU if the GPU fails its self-test at start-up or STT_DEVICE=cuda finds none. Otherwise the worker is
    not ready and reports the reason."""
    threads: Annotated[int, Field(ge=0, le=256)] = 0
    """CPU threads of one process; 0: as many as its affinity and its CPU quota allow."""
    numerics: Annotated[str, AfterValidator(_numerics)] = "auto"
    """Number formats of the matrix products on a CPU. ``auto``: the fastest that this CPU executes; ``float32``: exact,
    executed everywhere; ``encoder=…,decoder=…,vocabulary=…`` sets some of them (docs/speech-to-text.md)."""
    speakers: str = ""
    """``campplus``, or the path of its weights, distinguishes the speakers of one microphone (docs/voices.md)."""
    padding_s: Annotated[float, Field(ge=0.5, le=29)] = 1.0
    """Silence after an utterance that Whisper's encoder gets, in seconds. Of the first second on, more has hardly any
    effect on the errors of ``base`` (``make bench-window``), and costs time."""
    min_logprob: Annotated[float, Field(ge=-20, le=0)] = -1.5
    """Mean log-probability of a token below which a text is not shown: its tokens had a geometric mean probability of
    22 %, so even the shortest text (a word, a full stop, the end) had 1 %."""
    deadline_s: Annotated[float, Field(gt=0, le=80)] = 60.0
    """Time limit of one utterance, checked while decoding. The process exits at twice that."""
    max_rss_mb: Annotated[int, Field(ge=0)] = 4000
    """Resident memory in MiB at which the process exits, to be restarted; 0: no limit."""
