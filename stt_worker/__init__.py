"""Speech to text: ``stt_queue`` → Whisper → ``analyzer_queue``. The package exports the app for ``celery -A``."""

from stt_worker.stt_worker import celery

__all__ = ["celery"]
