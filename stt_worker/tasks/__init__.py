"""One Celery task per file: claim, transcribe, hand on."""
