"""One Celery task per file: claim, classify, publish."""
