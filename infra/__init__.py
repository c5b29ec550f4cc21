"""The plumbing of a process: Redis, Celery, settings, logs, heartbeats, the ledger. Imports wire, never a service."""
