"""Speech to text: ``stt_queue`` → Whisper → ``analyzer_queue``."""

from stt_worker.stt_worker import celery

__all__ = ["celery"]
