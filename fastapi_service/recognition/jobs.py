"""Pure: the jobs that a session sends."""

from fastapi_service.endpointing.events import Utterance
from fastapi_service.recognition.ports import LedgerJob
from fastapi_service.storage.record import SessionRecord
from infra.clock import now
from wire import names
from wire.audio import samples_to_ms
from wire.messages.base import Clock
from wire.messages.jobs import AnalyzeText, Partial, TranscribeAudio
from wire.messages.results import result_fields


def utterance_job(
    record: SessionRecord, segment: int, utterance: Utterance, partial: Partial | None, *, ahead: bool = False
) -> LedgerJob:
    """Return the next job of an utterance.

    Args:
        partial: what a worker made of the utterance already. With a text, only the analysis is left to do; without
            speech, the transcription job carries that finding.
        ahead: the session sends faster than real time.
    """
    job = TranscribeAudio(
        session_id=record.session_id,
        room=record.room,
        segment=segment,
        start_ms=samples_to_ms(utterance.start),
        end_ms=samples_to_ms(utterance.end),
        audio_key=names.audio(record.session_id, segment),
        language=record.language,
        languages=record.languages,
        task=record.task,
        prompt=record.prompt,
        clock=Clock(
            speech_end=utterance.speech_end, endpointed=utterance.ended, audio_end=utterance.audio_end, queued=now()
        ),
        ahead=ahead,
        speaker=record.speaker,
    )
    if partial is None or (partial.transcript is None and partial.no_speech_prob is None):
        return job
    job = job.model_copy(
        update={
            "clock": job.clock.at(stt_start=partial.stt_start, stt_end=partial.stt_end),
            "no_speech_prob": partial.no_speech_prob,
            "no_speech_reason": partial.no_speech_reason,
        }
    )
    if partial.transcript is None:
        return job
    return AnalyzeText(**result_fields(job), transcript=partial.transcript, ahead=ahead)
