"""An engine without a model, to measure the cost of everything else (``STT_MODEL=instant``)."""

from stt_worker.engines.base import Hypothesis, RecognitionConfig
from stt_worker.engines.deadline import Deadline
from wire.audio import Samples


class InstantTranscriber:
    """Returns the number of samples as text."""

    name = "instant"
    revision = "1"

    def transcribe(self, audio: Samples, config: RecognitionConfig, deadline: Deadline) -> Hypothesis:
        """See ``Transcriber``."""
        deadline.check()
        return Hypothesis(
            text=f"{len(audio)} samples of speech",
            language=config.language or "en",
            language_probability=None if config.language else 1.0,
            avg_logprob=0.0,
            no_speech_prob=0.0,
        )
