"""Entry point: ``celery -A analyzer_worker:celery worker -Q analyzer_queue --pool=threads --concurrency=16``."""

from typing import Any

from redis.exceptions import RedisError

from analyzer_worker.engines.load import Loading, load_routing
from analyzer_worker.scheduling.batcher import Batcher
from analyzer_worker.settings import Settings
from analyzer_worker.tasks.analyze import Analysis, Judgement
from analyzer_worker.tasks.sentence import Sentences
from infra.celery_app import make_celery
from infra.cpus import choose_threads
from infra.job import read_job
from infra.scratch import ThreadScratch
from infra.settings import load_settings_or_exit
from infra.watchdog import Limits
from infra.worker import Worker
from infra.worker_app import connect_signals
from wire import names
from wire.messages.jobs import AnalyzeText

settings = load_settings_or_exit(Settings)
celery = make_celery(names.ANALYZER_WORKER, settings.broker_url, names.ANALYZER_QUEUE)
worker: Worker[Batcher] = Worker(
    settings.redis_url, names.ANALYZER_WORKER, Limits(settings.deadline_s, settings.max_rss_mb)
)
analysis = Analysis(
    worker,
    Sentences(ThreadScratch(worker.redis), worker.ledger.analysis),
    Judgement(settings.margin, settings.zero_shot),
)


@celery.task(name=names.ANALYZE_TEXT, autoretry_for=(RedisError,), retry_backoff=1)
def analyze_text(job: dict[str, Any]) -> None:
    """Run one analysis job, given as the JSON of an ``AnalyzeText``."""
    if (readable := read_job(AnalyzeText, job)) is not None:
        analysis.run(readable)


def load() -> Batcher:
    """Load the models that the settings name."""
    loading = Loading(
        settings.model_cache,
        choose_threads(settings.threads, default=1),
        settings.base_weights,
        download=not settings.model_offline,
        exact=settings.numerics == "float32",
        labels=settings.labels_by_model,
    )
    return Batcher(lambda: load_routing(settings.model_by_language, settings.language_codes, loading), worker.watched)


connect_signals(worker, settings, names.ANALYZER_WORKER, load)
