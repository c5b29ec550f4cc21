"""What two services must agree on, and nothing else: names, messages, audio constants, Redis and Celery factories."""
