"""Gauges that are read from Redis at each request for metrics."""

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from fastapi_service.monitoring import metrics
from infra.celery_app import queue_keys
from infra.heartbeat import alive_instances
from infra.redis_client import AsyncRedis
from wire import names
from wire.messages.statistics import Statistics

FIGURES = (
    "utterances",
    "sentences",
    "no_speech",
    "uncertain",
    "failures",
    "words",
    "speech_ms",
    "unanalysed",
    "unsure",
    "zero_shot",
)
"""Fields of ``Statistics`` that are exported as ``wta_global``."""

log = structlog.get_logger()


async def update_gauges(redis: AsyncRedis) -> None:
    """Update queue depths, ledger size, clocks and global statistics; what cannot be read stays unchanged."""
    try:
        for queue in (names.STT_QUEUE, names.ANALYZER_QUEUE):
            metrics.QUEUE_DEPTH.labels(queue).set(sum([await redis.llen(key) for key in queue_keys(queue)]))
        metrics.LEDGER.set(await redis.zcard(names.PENDING))
        for service in (names.GATEWAY, names.STT_WORKER, names.ANALYZER_WORKER, names.LISTENER):
            beats = await alive_instances(redis, service)
            skews = [beat.clock_skew_s for beat in beats if beat.clock_skew_s is not None]
            metrics.CLOCK_SKEW.labels(service).set(max(skews, key=abs, default=0.0))
        message = await redis.hget(names.statistics(names.GLOBAL_AUDIENCE), "message")
    except (RedisError, OSError) as error:
        log.warning("gauge update failed", error=type(error).__name__)
        return
    if message:
        try:
            _show(Statistics.model_validate_json(message))
        except ValidationError as refused:
            log.error("statistics unreadable", audience=names.GLOBAL_AUDIENCE, problems=refused.error_count())


def _show(statistics: Statistics) -> None:
    for figure in FIGURES:
        metrics.GLOBAL.labels(figure).set(getattr(statistics, figure))
    for label, known in statistics.sentiment.items():
        metrics.GLOBAL_SENTIMENT.labels(label).set(known.count)
