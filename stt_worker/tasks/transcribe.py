"""The task of final texts: claim an utterance, transcribe it, hand it on to the analysis."""

from collections.abc import Callable

import structlog

from infra.celery_app import AGED, priority
from infra.clock import Stopwatch
from infra.ledger.ledger import Claim
from infra.worker import Worker
from stt_worker.engines.base import Hypothesis, RecognitionConfig, Transcriber
from stt_worker.engines.deadline import Deadline
from stt_worker.tasks.context import context_of
from stt_worker.tasks.transcript import language_to_keep, reason_not_shown, to_transcript
from stt_worker.tasks.voice import keep_voice
from wire.audio import decode_pcm, to_float
from wire.errors import AudioError
from wire.messages.jobs import AnalyzeText, NoSpeechReason, TranscribeAudio
from wire.messages.results import NoSpeech, result_fields

log = structlog.get_logger()


class Transcription:
    """Runs jobs for final texts; one instance per process, used by all its threads."""

    def __init__(self, worker: Worker[Transcriber], send: Callable[[AnalyzeText], None], *, min_logprob: float) -> None:
        """Use the worker's model and ledger.

        Args:
            worker: shared by all threads.
            send: puts a job on the queue of the analysis.
            min_logprob: mean log-probability from which a text is shown.
        """
        self._worker = worker
        self._send = send
        self._min_logprob = min_logprob

    def run(self, job: TranscribeAudio) -> None:
        """Transcribe one utterance. A failure gives the claim back (see ``Worker.claimed``)."""
        with self._worker.claimed(job, "stt") as claim:
            if claim.verdict != "claimed":
                log.info("job skipped", session=job.session_id, segment=job.segment, verdict=claim.verdict)
            elif job.no_speech_prob is not None:
                self._publish_no_speech(job, job.no_speech_prob, job.no_speech_reason)
            else:
                work = Stopwatch()
                hypothesis = self._transcribe(job, claim)
                self._hand_on(job, hypothesis, work)

    def _transcribe(self, job: TranscribeAudio, claim: Claim) -> Hypothesis:
        pcm = self._worker.ledger.audio(job)
        if pcm is None:
            raise AudioError("audio_expired", "The audio is no longer stored.", "Start more workers.")
        deadline = Deadline.after(self._worker.limits.deadline_s)
        config = RecognitionConfig(
            job.language,
            task=job.task,
            prompt=job.prompt,
            languages=job.languages,
            expected_language=claim.language,
            session=job.session_id,
            priority=AGED if claim.aged else priority(job),
            context=context_of(self._worker.scratch, job),
        )
        with self._worker.watched():
            return self._worker.model.transcribe(to_float(decode_pcm(pcm)), config, deadline)

    def _hand_on(self, job: TranscribeAudio, hypothesis: Hypothesis, work: Stopwatch) -> None:
        job = job.model_copy(update={"clock": job.clock.at(stt_start=work.started, stt_end=work.now())})
        reason = reason_not_shown(hypothesis, self._min_logprob)
        if reason is not None:
            self._publish_no_speech(job, hypothesis.no_speech_prob, reason)
            return
        keep_voice(self._worker.redis, job, hypothesis)
        text = to_transcript(hypothesis, self._worker.model.name, job.task, job.start_ms)
        analysis = AnalyzeText(**result_fields(job), transcript=text, ahead=job.ahead)
        language = language_to_keep(hypothesis)
        if (advanced := self._worker.ledger.advance(job, analysis, language)) is not None:
            self._send(advanced)

    def _publish_no_speech(self, job: TranscribeAudio, no_speech_prob: float, reason: NoSpeechReason) -> None:
        self._worker.publish(NoSpeech(**result_fields(job), no_speech_prob=no_speech_prob, reason=reason))
