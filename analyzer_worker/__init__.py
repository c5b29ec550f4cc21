"""Sentiment: ``analyzer_queue`` → classifier → ``result_channel``."""

from analyzer_worker.analyzer_worker import celery

__all__ = ["celery"]
