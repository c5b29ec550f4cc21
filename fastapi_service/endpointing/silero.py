"""Silero VAD 6 (https://github.com/snakers4/silero-vad, MIT), which finds voice in noise.

Only its file is used: the package itself would import torch, which the gateway does not have.
"""

from importlib.util import find_spec
from pathlib import Path

from wire.audio import Samples
from wire.errors import ModelError

FILE = Path("data") / "silero_vad_16k_sequence.onnx"
"""In the folder of the package."""
REMEDY = (
    "Install requirements/fastapi_service.txt again (`make run` does), or set GATEWAY_VOICE_DETECTION=false: then "
    "utterances in loud rooms end only when they are too long."
)
ONLY_ERRORS = 3
"""Severity from which onnxruntime logs. It warns of a GPU that it does not find."""


class SileroModel:
    """A ``VoiceModel`` on one thread: 0.1 ms per frame of 32 ms; 0.1 s and 40 MB to load."""

    def __init__(self) -> None:
        """Load it.

        Raises:
            ModelError: onnxruntime, the package or its file is missing or damaged.
        """
        file = _find()
        try:
            import onnxruntime

            onnxruntime.set_default_logger_severity(ONLY_ERRORS)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        except ImportError as error:
            raise _missing(f"onnxruntime cannot be imported ({error})") from error
        except Exception as error:  # those of onnxruntime have no other base
            raise _missing(f"onnxruntime cannot load {file} ({type(error).__name__})") from error

    def __call__(self, frame: Samples, hidden: Samples, cell: Samples, /) -> tuple[float, Samples, Samples]:
        """See ``VoiceModel``."""
        inputs = {"input": frame[None], "h": hidden, "c": cell}
        probabilities, hidden, cell = self._session.run(["speech_probs", "hn", "cn"], inputs)
        return float(probabilities.flat[0]), hidden, cell


def _find() -> Path:
    package = find_spec("silero_vad")
    if package is None or package.origin is None:
        raise _missing("the package silero-vad is not installed")
    file = Path(package.origin).parent / FILE
    if not file.is_file():
        raise _missing(f"{file} is missing")
    return file


def _missing(reason: str) -> ModelError:
    return ModelError("voice_model_missing", f"The voice detection cannot start: {reason}.", REMEDY)
