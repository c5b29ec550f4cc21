"""Entry point: ``celery -A stt_worker:celery worker -Q stt_queue --pool=solo --concurrency=1``."""

from typing import Any

from celery.signals import setup_logging, worker_init, worker_shutdown
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from infra.celery_app import make_celery, send_job
from infra.logs import configure_logs
from infra.settings import load_settings_or_exit
from infra.worker import Limits, Worker
from stt_worker.engines.base import Transcriber
from stt_worker.load import load_transcriber
from stt_worker.settings import Settings
from stt_worker.tasks.partial import PartialTranscription
from stt_worker.tasks.transcribe import Transcription
from wire import names
from wire.messages.jobs import TranscribeAudio, TranscribePartial

settings = load_settings_or_exit(Settings)
celery = make_celery(names.STT_WORKER, settings.redis_url, names.STT_QUEUE)
worker: Worker[Transcriber] = Worker(
    settings.redis_url, names.STT_WORKER, Limits(settings.deadline_s, settings.max_rss_mb)
)
transcription = Transcription(worker, lambda job: send_job(celery, job))
partials = PartialTranscription(worker)


@celery.task(name=names.TRANSCRIBE_AUDIO, autoretry_for=(RedisError, OperationalError), retry_backoff=1)
def transcribe_audio(job: dict[str, Any]) -> None:
    """Task of final texts."""
    transcription.run(TranscribeAudio.model_validate(job))


@celery.task(name=names.TRANSCRIBE_PARTIAL)
def transcribe_partial(job: dict[str, Any]) -> None:
    """Task of partial texts."""
    partials.run(TranscribePartial.model_validate(job))


@setup_logging.connect
def _leave_logs_alone(**_: Any) -> None:
    """Keep Celery from configuring logging: it does so unless this signal has a receiver."""


@worker_init.connect
def _start(**_: Any) -> None:
    configure_logs(settings, names.STT_WORKER)
    worker.start(lambda: load_transcriber(settings), lambda model: (model.name, model.revision))


@worker_shutdown.connect
def _stop(**_: Any) -> None:
    worker.stop()
