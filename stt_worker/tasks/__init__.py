"""The Celery tasks: one file for final texts, one for partial ones."""
