"""Texts that clients get for a stream, which is cut as the gateway does it and transcribed as a worker does it."""

import re
from collections.abc import Iterable, Iterator

from bench.session import Session, new_endpointer
from fastapi_service.endpointing.events import Event, SpeculativeEndpoint, Utterance
from stt_worker.engines.base import Hypothesis, Transcriber
from wire.audio import Samples, decode_pcm, to_float, to_int16


def cut(stream: Samples) -> list[Event]:
    """Return what begins and ends in a stream."""
    endpointer = new_endpointer()
    return [*endpointer.feed(to_int16(stream), 0.0), *endpointer.flush(0.0)]


def transcribed_audio(events: Iterable[Event]) -> Iterator[Samples]:
    """Yield the audio of each utterance as a worker gets it that is free in the pause in which the utterance ends."""
    pause: SpeculativeEndpoint | None = None
    for event in events:
        if isinstance(event, SpeculativeEndpoint):
            pause = event
        elif isinstance(event, Utterance):
            pcm = pause.pcm if pause is not None and event.ends_in(pause) else event.pcm
            yield to_float(decode_pcm(pcm))


def shown(
    engine: Transcriber,
    events: Iterable[Event],
    language: str | None = None,
    *,
    languages: tuple[str, ...] = (),
    prompt: str = "",
) -> list[Hypothesis]:
    """Transcribe a session's utterances in their order, each after the language of those before it; leave out the rest.

    Args:
        engine: as the worker loads it.
        events: of the session's endpointer.
        language: of the session; None: detected in each utterance.
        languages: of the session, among which it is detected; empty: all.
        prompt: of the session.
    """
    session = Session(engine, language, languages=languages, prompt=prompt)
    hypotheses = (session.transcribe(audio) for audio in transcribed_audio(events))
    return [each for each in hypotheses if session.keep(each)]


def words_of(*texts: str) -> list[str]:
    """Return the words of texts in small letters, without punctuation."""
    return re.findall(r"[\w']+", " ".join(texts).casefold().replace("’", "'"))
