"""Sentiment engines: one file each, chosen by ``load.py``."""
