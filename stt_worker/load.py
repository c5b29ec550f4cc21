"""The factory of speech-to-text engines. Importing torch takes seconds, so it happens inside, when it is needed."""

from stt_worker.engines.base import BatchEngine, Transcriber
from stt_worker.settings import Settings
from wire.audio import Samples


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
    from stt_worker.engines.skipped_speech import SkippedSpeech
    from stt_worker.engines.vad import SileroVad, VadFilter
    from stt_worker.engines.whisper.load import load_whisper
    from stt_worker.scheduling.batcher import Batcher

    def load() -> BatchEngine:
        vad = SileroVad()

        def voice_s(audio: Samples) -> float:
            return vad(audio).speech_s

        whisper = EchoFilter(load_whisper(settings, voice_s))
        engine = Levelled(VadFilter(RepeatedSpeech(SkippedSpeech(whisper, voice_s)), vad))
        return with_voices(engine, settings)

    return Batcher(load)


def with_voices(engine: BatchEngine, settings: Settings) -> BatchEngine:
    """Return an engine that also distinguishes speakers, if the settings say so.

    Raises:
        ModelError: the weights for that are missing or corrupt.
    """
    if not settings.speakers:
        return engine
    from stt_worker.engines.voices.encoder import VoiceEncoder, VoiceNotes
    from stt_worker.weights.voices import find_voices

    weights = find_voices(settings.speakers, settings.model_cache, offline=settings.model_offline)
    return VoiceNotes(engine, VoiceEncoder(weights))
