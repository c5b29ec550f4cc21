"""One task of the speech-to-text stage: claim, transcribe, hand on."""

from collections.abc import Callable

import structlog

from infra.results import publish_result
from infra.worker import Worker, retry_while_unavailable
from stt_worker.engines.base import Deadline, Hypothesis, Request, Transcriber, is_silent
from wire.audio import decode_pcm, to_float
from wire.errors import AudioError
from wire.messages.base import now
from wire.messages.jobs import AnalyzeText, Task, TranscribeAudio
from wire.messages.results import NoSpeech, result_fields
from wire.messages.transcript import Transcript, Word

KEEP_LANGUAGE_PROB = 0.6
KEEP_LANGUAGE_MS = 1_000
"""A detected language stays for the session only if it is likely and heard in a whole second of audio."""

log = structlog.get_logger()


def is_speech(heard: Hypothesis) -> bool:
    """Whether there is a text worth showing."""
    return bool(heard.text.strip()) and not is_silent(heard.no_speech_prob, heard.avg_logprob)


def language_to_keep(heard: Hypothesis, duration_ms: int) -> str | None:
    """The detected language, if it is certain enough for the rest of the session."""
    sure = heard.language_probability is not None and heard.language_probability >= KEEP_LANGUAGE_PROB
    return heard.language if sure and duration_ms >= KEEP_LANGUAGE_MS else None


def transcript(heard: Hypothesis, model: str, task: Task, start_ms: int) -> Transcript:
    """What was heard, as the other services see it.

    Args:
        start_ms: where the audio begins on the session's audio clock.
    """
    return Transcript(
        text=heard.text.strip(),
        language="en" if task == "translate" else heard.language,
        language_probability=heard.language_probability,
        avg_logprob=heard.avg_logprob,
        no_speech_prob=heard.no_speech_prob,
        model=model,
        words=tuple(
            Word(
                text=word.text,
                start_ms=start_ms + round(word.start_s * 1000),
                end_ms=start_ms + round(word.end_s * 1000),
                probability=round(word.probability, 3),
            )
            for word in heard.words
        ),
    )


class Transcription:
    """The stage; one instance per process."""

    def __init__(self, worker: Worker[Transcriber], send: Callable[[AnalyzeText], None]) -> None:
        self._worker = worker
        self._send = send

    def run(self, job: TranscribeAudio) -> None:
        with self._worker.claimed(job, "stt") as claim:
            if claim.verdict != "claimed":
                log.info("not claimed", session=job.session_id, segment=job.segment, verdict=claim.verdict)
                return
            if job.no_speech_prob is not None:
                self._end_silent(job, job.no_speech_prob)
                return
            started = now()
            pcm = retry_while_unavailable(lambda: self._worker.ledger.audio(job))
            if pcm is None:
                raise AudioError("audio_expired", "The audio is no longer stored.", "Start more workers.")
            deadline = Deadline.after(self._worker.limits.deadline_s)
            with self._worker.watched():
                request = Request(job.language or claim.language, job.task, job.prompt, session=job.session_id)
                heard = self._worker.model.transcribe(to_float(decode_pcm(pcm)), request, deadline)
            self._hand_on(job, heard, started)

    def _hand_on(self, job: TranscribeAudio, heard: Hypothesis, started: float) -> None:
        job = job.model_copy(update={"clock": job.clock.at(stt_start=started, stt_end=now())})
        if not is_speech(heard):
            self._end_silent(job, heard.no_speech_prob)
            return
        text = transcript(heard, self._worker.model.name, job.task, job.start_ms)
        analysis = AnalyzeText(**result_fields(job), transcript=text)
        keep = language_to_keep(heard, job.end_ms - job.start_ms)
        if retry_while_unavailable(lambda: self._worker.ledger.advance(job, analysis, keep)):
            self._send(analysis)

    def _end_silent(self, job: TranscribeAudio, no_speech_prob: float) -> None:
        silence = NoSpeech(**result_fields(job), no_speech_prob=no_speech_prob)
        retry_while_unavailable(lambda: publish_result(self._worker.redis, silence))
