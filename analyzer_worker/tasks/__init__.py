"""Celery tasks, one file each: claim a job, classify its text, publish the result."""
