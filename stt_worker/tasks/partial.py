"""The task of partial texts: transcribe an utterance before it is over and answer the gateway. Best effort."""

import structlog

from infra.celery_app import PARTIAL_AUDIO_TTL_S, STALE_S, priority
from infra.clock import Stopwatch
from infra.redis_client import take_bytes
from infra.worker import Worker
from stt_worker.engines.base import Hypothesis, RecognitionConfig, Transcriber
from stt_worker.engines.deadline import Deadline, Preempted, PreemptibleDeadline
from stt_worker.tasks.context import context_of
from stt_worker.tasks.transcript import language_to_keep, reason_not_shown, to_transcript
from stt_worker.tasks.voice import keep_voice
from wire import names
from wire.audio import decode_pcm, to_float
from wire.errors import WireError
from wire.messages.jobs import Partial, TranscribePartial

log = structlog.get_logger()


class PartialTranscription:
    """Runs jobs for partial texts; one instance per process, used by all its threads."""

    def __init__(self, worker: Worker[Transcriber], *, min_logprob: float) -> None:
        """Use the worker's model and Redis; texts of a lower mean log-probability are not shown."""
        self._worker = worker
        self._min_logprob = min_logprob

    def run(self, job: TranscribePartial) -> None:
        """Do a task: transcribe and answer, unless it is stale or was withdrawn, or another worker has taken it.

        Raises:
            redis.exceptions.RedisError: Redis is unavailable; the gateway gets no answer.
        """
        if self._is_stale(job):
            return
        # Deleted at once: the gateway sees that the job has begun, and no other worker begins it too.
        pcm = take_bytes(self._worker.scratch, job.audio_key)
        if pcm is None:
            return
        self.answer(job, pcm)

    def answer(self, job: TranscribePartial, pcm: bytes) -> None:
        """Transcribe Int16 PCM and answer.

        Raises:
            redis.exceptions.RedisError: Redis is unavailable; the gateway gets no answer.
        """
        work = Stopwatch()
        hypothesis = self._transcribe(job, pcm)
        partial = self._answer(job, hypothesis, work)
        self._worker.redis.publish(job.reply_to, partial.model_dump_json())

    def _is_stale(self, job: TranscribePartial) -> bool:
        """Return True if the job has waited for ``STALE_S`` or its audio is gone. The audio stays for the gateway."""
        return self._worker.scratch.pttl(job.audio_key) <= (PARTIAL_AUDIO_TTL_S - STALE_S) * 1000

    def _transcribe(self, job: TranscribePartial, pcm: bytes) -> Hypothesis | None:
        """Return None if the job is preempted or fails: the utterance is transcribed later, which reports the error."""
        config = RecognitionConfig(
            job.language,
            task=job.task,
            prompt=job.prompt,
            prefix=job.prefix,
            allow_fallback=job.purpose == "final",
            expected_language=self._worker.redis.hget(names.session(job.session_id), "detected_language"),
            session=job.session_id,
            priority=priority(job),
            languages=job.languages,
            context=context_of(self._worker.scratch, job) if job.purpose == "final" else None,
        )
        deadline = Deadline.after(self._worker.limits.deadline_s)
        if job.purpose == "interim":
            deadline = PreemptibleDeadline(deadline.seconds, deadline.started)  # by what comes to the batcher
        with self._worker.busy(), self._worker.watched():
            try:
                deadline.check()
                return self._worker.model.transcribe(to_float(decode_pcm(pcm)), config, deadline)
            except Preempted:
                log.debug("interim preempted", session=job.session_id, segment=job.segment)
            except WireError as error:
                log.warning("partial failed", session=job.session_id, segment=job.segment, code=error.code)
            except Exception:  # the boundary: one utterance must not end the worker
                log.exception("partial failed", session=job.session_id, segment=job.segment)
        return None

    def _answer(self, job: TranscribePartial, hypothesis: Hypothesis | None, work: Stopwatch) -> Partial:
        partial = Partial(
            session_id=job.session_id,
            segment=job.segment,
            revision=job.revision,
            transcript=None,
            stt_start=work.started,
            stt_end=work.now(),
        )
        if hypothesis is None:
            return partial
        reason = reason_not_shown(hypothesis, self._min_logprob)
        if reason is not None:
            found = {"no_speech_prob": hypothesis.no_speech_prob, "no_speech_reason": reason}
            return partial.model_copy(update=found)
        keep_voice(self._worker.redis, job, hypothesis)
        transcript = to_transcript(hypothesis, self._worker.model.name, job.task, job.start_ms)
        language = language_to_keep(hypothesis)
        return partial.model_copy(
            update={"transcript": transcript, "keep_language": language, "sentence_end": hypothesis.sentence_end}
        )
