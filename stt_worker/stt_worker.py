"""Entry point: ``celery -A stt_worker:celery worker -Q stt_queue --pool=solo --concurrency=1``."""

from typing import Any

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from infra.celery_app import make_celery, send_job
from infra.interim_requests import WaitingInterims
from infra.job import read_job
from infra.settings import load_settings_or_exit
from infra.watchdog import Limits
from infra.worker import Worker
from infra.worker_app import connect_signals
from stt_worker.engines.base import Transcriber
from stt_worker.load import load_transcriber
from stt_worker.scheduling.finals_first import FinalsFirst
from stt_worker.settings import Settings
from stt_worker.tasks.interims import InterimTexts
from stt_worker.tasks.partial import PartialTranscription
from stt_worker.tasks.transcribe import Transcription
from wire import names
from wire.messages.jobs import TranscribeAudio, TranscribePartial

settings = load_settings_or_exit(Settings)
celery = make_celery(names.STT_WORKER, settings.broker_url, names.STT_QUEUE)
worker: Worker[Transcriber] = Worker(
    settings.redis_url,
    names.STT_WORKER,
    Limits(settings.deadline_s, settings.max_rss_mb),
    settings.scratch_redis_url,
)
finals = FinalsFirst()
transcription = Transcription(worker, lambda job: send_job(celery, job), min_logprob=settings.min_logprob)
partials = PartialTranscription(worker, min_logprob=settings.min_logprob)
interims = InterimTexts(worker, WaitingInterims(worker.scratch), finals, partials.answer)
connect_signals(worker, settings, names.STT_WORKER, lambda: load_transcriber(settings), interims)


@celery.task(name=names.TRANSCRIBE_AUDIO, autoretry_for=(RedisError, OperationalError), retry_backoff=1)
def transcribe_audio(job: dict[str, Any]) -> None:
    """Task of final texts."""
    if (readable := read_job(TranscribeAudio, job)) is None:
        return
    if readable.ahead:  # interim texts are more urgent
        interims.serve_one()
    with finals.task():
        transcription.run(readable)


@celery.task(name=names.TRANSCRIBE_PARTIAL)
def transcribe_partial(job: dict[str, Any]) -> None:
    """Task of final texts that are begun in a pause; of gateways older than ``interims`` also of interim texts."""
    if (readable := read_job(TranscribePartial, job)) is not None:
        with finals.task():
            partials.run(readable)
