"""One draft: the text of an utterance that is not over yet, for the gateway that asked. Best effort."""

import threading
import time
from collections.abc import Callable

import structlog
from redis.exceptions import RedisError

from infra.celery_app import PRIORITIES, more_urgent
from infra.worker import Worker
from stt_worker.engines.base import Deadline, Hypothesis, Outranked, Request, Transcriber, Yielding
from stt_worker.tasks.transcribe import is_speech, language_to_keep, transcript
from wire import names
from wire.audio import SAMPLE_RATE, decode_pcm, to_float
from wire.errors import WireError
from wire.messages.base import now
from wire.messages.jobs import Partial, TranscribePartial

log = structlog.get_logger()


LOOK_S = 0.025
"""Pause between two looks at the queue, by all threads of the process: an interim text gives way that much later."""
OUTAGE_PAUSE_S = 5.0
"""The same while Redis does not answer, which stops the batch that waits for it."""


class _Seldom:
    """A question to Redis asked now and then; in between its last answer holds, and No when there is none."""

    def __init__(self, ask: Callable[[], bool]) -> None:
        self._ask = ask
        self._answer = False
        self._next = 0.0
        self._asking = threading.Lock()

    def __call__(self) -> bool:
        if time.monotonic() >= self._next and self._asking.acquire(blocking=False):
            try:
                self._answer, pause = self._ask(), LOOK_S
            except RedisError:
                self._answer, pause = False, OUTAGE_PAUSE_S
            finally:
                self._asking.release()
            self._next = time.monotonic() + pause
        return self._answer


class Drafting:
    """The stage; one instance per process."""

    def __init__(self, worker: Worker[Transcriber]) -> None:
        self._worker = worker
        self._outranked = _Seldom(lambda: more_urgent(worker.redis, names.STT_QUEUE, PRIORITIES["interim"]))

    def run(self, job: TranscribePartial) -> None:
        """
        Raises:
            redis.exceptions.RedisError: nobody hears of this draft.
        """
        redis = self._worker.redis
        # Taken away: the gateway sees that it was begun, and no other worker begins it too.
        pcm: bytes | None = redis.execute_command("GETDEL", job.audio_key, NEVER_DECODE=True)
        if pcm is None:
            return  # the person went on speaking, or it came too late
        language = job.language or redis.hget(names.session(job.session_id), "language")
        deadline = Deadline.after(self._worker.limits.deadline_s)
        if job.purpose == "interim":
            deadline = Yielding(deadline.seconds, deadline.started, self._outranked)
        started, heard = now(), None
        with self._worker.busy(), self._worker.watched():
            try:
                deadline.check()
                request = Request(
                    language,
                    job.task,
                    job.prompt,
                    job.prefix,
                    quick=job.purpose == "interim",
                    session=job.session_id,
                    priority=PRIORITIES[job.purpose],
                )
                heard = self._worker.model.transcribe(to_float(decode_pcm(pcm)), request, deadline)
            except Outranked:
                log.debug("interim gives way", session=job.session_id, segment=job.segment)
            except WireError as error:
                log.warning("draft failed", session=job.session_id, segment=job.segment, code=error.code)
            except Exception:  # the boundary: the utterance is still transcribed, and what is wrong with it told then
                log.exception("draft failed", session=job.session_id, segment=job.segment)
        redis.publish(job.reply_to, self._draft(job, heard, len(pcm), started).model_dump_json())

    def _draft(self, job: TranscribePartial, heard: Hypothesis | None, size: int, started: float) -> Partial:
        text, silence, keep = None, None, None
        if heard is not None and not is_speech(heard):
            silence = heard.no_speech_prob
        elif heard is not None:
            text = transcript(heard, self._worker.model.name, job.task, job.start_ms)
            keep = language_to_keep(heard, size * 1000 // (2 * SAMPLE_RATE))
        return Partial(
            session_id=job.session_id,
            segment=job.segment,
            revision=job.revision,
            transcript=text,
            no_speech_prob=silence,
            keep_language=keep,
            stt_start=started,
            stt_end=now(),
        )
