"""The factory of speech-to-text engines. Importing torch takes seconds, so it happens inside, when it is needed."""

from stt_worker.engines.base import BatchEngine, Transcriber
from stt_worker.settings import Settings


def load_transcriber(settings: Settings) -> Transcriber:
    """Load the engine that the settings name.

    Raises:
        ModelError: the weights are missing, corrupt, or do not fit on the device.
    """
    if settings.model == "instant":
        from stt_worker.engines.instant import InstantTranscriber

        return InstantTranscriber()
    from stt_worker.engines.echo_filter import EchoFilter
    from stt_worker.engines.level import Levelled
    from stt_worker.engines.repeated_speech import RepeatedSpeech
    from stt_worker.engines.vad import SileroVad, VadFilter
    from stt_worker.engines.whisper.load import load_whisper
    from stt_worker.scheduling.batcher import Batcher

    def load() -> BatchEngine:
        vad = SileroVad()
        whisper = load_whisper(settings, lambda audio: vad(audio).speech_s)
        return Levelled(VadFilter(RepeatedSpeech(EchoFilter(whisper)), vad))

    return Batcher(load)
