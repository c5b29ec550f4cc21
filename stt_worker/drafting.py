"""One draft: the text of an utterance that is not over yet, for the gateway that asked. Best effort."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from stt_worker.engine import Deadline, Hypothesis, Request, Transcriber
from stt_worker.transcription import is_speech, language_to_keep, transcript
from wire import names
from wire.audio import SAMPLE_RATE, decode_pcm, to_float
from wire.broker import PRIORITIES, more_urgent
from wire.errors import WireError
from wire.messages.base import now
from wire.messages.jobs import Draft, DraftText
from wire.worker import Worker

log = structlog.get_logger()


class Outranked(Exception):
    """Something more urgent waits."""


@dataclass(frozen=True)
class _Yielding(Deadline):
    """A deadline that is also over when something more urgent waits: 0.1 ms for a step that takes several."""

    outranked: Callable[[], bool] = lambda: False

    def check(self) -> None:
        super().check()
        if self.outranked():
            raise Outranked


class Drafting:
    """The stage; one instance per process."""

    def __init__(self, worker: Worker[Transcriber]) -> None:
        self._worker = worker

    def run(self, job: DraftText) -> None:
        """
        Raises:
            redis.exceptions.RedisError: nobody hears of this draft.
        """
        priority = PRIORITIES[job.purpose]
        redis = self._worker.redis
        # Taken away: the gateway sees that it was begun, and no other worker begins it too.
        pcm: bytes | None = redis.execute_command("GETDEL", job.audio_key, NEVER_DECODE=True)
        if pcm is None:
            return  # the person went on speaking, or it came too late
        language = job.language or redis.hget(names.session(job.session_id), "language")
        deadline = _Yielding.after(self._worker.limits.deadline_s)
        if job.purpose == "interim":
            deadline = _Yielding(
                deadline.seconds, deadline.started, lambda: more_urgent(redis, names.STT_QUEUE, priority)
            )
        started, heard = now(), None
        with self._worker.busy(), self._worker.watched():
            try:
                deadline.check()
                request = Request(language, job.task, job.prompt, job.prefix, quick=job.purpose == "interim")
                heard = self._worker.model.transcribe(to_float(decode_pcm(pcm)), request, deadline)
            except Outranked:
                log.debug("interim gives way", session=job.session_id, segment=job.segment)
            except WireError as error:
                log.warning("draft failed", session=job.session_id, segment=job.segment, code=error.code)
            except Exception:  # the boundary: the utterance is still transcribed, and what is wrong with it told then
                log.exception("draft failed", session=job.session_id, segment=job.segment)
        redis.publish(job.reply_to, self._draft(job, heard, len(pcm), started).model_dump_json())

    def _draft(self, job: DraftText, heard: Hypothesis | None, size: int, started: float) -> Draft:
        text, silence, keep = None, None, None
        if heard is not None and not is_speech(heard):
            silence = heard.no_speech_prob
        elif heard is not None:
            text = transcript(heard, self._worker.model.name, job.task, job.start_ms)
            keep = language_to_keep(heard, size * 1000 // (2 * SAMPLE_RATE))
        return Draft(
            session_id=job.session_id,
            segment=job.segment,
            revision=job.revision,
            transcript=text,
            no_speech_prob=silence,
            keep_language=keep,
            stt_start=started,
            stt_end=now(),
        )
