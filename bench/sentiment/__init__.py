"""Sentiment: ``python -m bench.sentiment``, or ``make eval-sentiment``."""
