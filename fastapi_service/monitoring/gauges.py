"""Gauges that are read from Redis at each request for metrics."""

import asyncio
from collections import Counter
from collections.abc import Callable

import structlog
from kombu.exceptions import OperationalError
from pydantic import ValidationError
from redis.exceptions import RedisError

from fastapi_service.monitoring import metrics
from infra.heartbeat import alive_instances
from infra.redis_client import AsyncRedis
from wire import names
from wire.messages.results import LABELS
from wire.messages.statistics import LabelStatistics, Statistics
from wire.totals import Totals

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
"""Totals that are exported as ``wta_global``; in ``Statistics`` they have the same names."""

log = structlog.get_logger()


async def update_gauges(redis: AsyncRedis, depth: Callable[[str], int] | None = None) -> None:
    """Update queue depths, ledger size, clocks and totals over all sessions; what cannot be read stays unchanged.

    Args:
        redis: of the sessions.
        depth: returns the number of tasks that wait in a queue, and may block.
    """
    if depth is not None:
        await _update_depths(depth)
    try:
        metrics.LEDGER.set(await redis.zcard(names.PENDING))
        for service in (names.GATEWAY, names.STT_WORKER, names.ANALYZER_WORKER, names.LISTENER):
            beats = await alive_instances(redis, service)
            skews = [beat.clock_skew_s for beat in beats if beat.clock_skew_s is not None]
            metrics.CLOCK_SKEW.labels(service).set(max(skews, key=abs, default=0.0))
        counted = await redis.hgetall(names.TOTALS)
        before = await redis.hget(names.statistics(names.GLOBAL_AUDIENCE), "message")
    except (RedisError, OSError) as error:
        log.warning("gauge update failed", error=type(error).__name__)
        return
    try:
        _show(Totals.read(counted), Statistics.model_validate_json(before) if before else None)
    except ValidationError as refused:
        log.error("statistics unreadable", audience=names.GLOBAL_AUDIENCE, problems=refused.error_count())


async def _update_depths(depth: Callable[[str], int]) -> None:
    try:
        for queue in (names.STT_QUEUE, names.ANALYZER_QUEUE):
            metrics.QUEUE_DEPTH.labels(queue).set(await asyncio.to_thread(depth, queue))
    except OperationalError as error:
        log.warning("gauge update failed", error=str(error))


def _show(totals: Totals, before: Statistics | None) -> None:
    """Show the totals, and what listeners older than them have counted: each result is in one of both."""
    for figure in FIGURES:
        metrics.GLOBAL.labels(figure).set(getattr(totals, figure) + (getattr(before, figure) if before else 0))
    for label in LABELS:
        known = before.sentiment.get(label, LabelStatistics()) if before else LabelStatistics()
        metrics.GLOBAL_SENTIMENT.labels(label).set(totals.labels.get(label, 0) + known.count)
        score = totals.score_ppm.get(label, 0) / 1e6 + (known.mean_score or 0) * known.count
        metrics.GLOBAL_SCORE.labels(label).set(score)
    languages = Counter(totals.languages) + Counter(before.languages if before else {})
    for language, sentences in languages.items():
        metrics.GLOBAL_LANGUAGE.labels(language).set(sentences)
