"""Measurements: what `make bench-*` runs. Nothing here is a test; figures go to ``bench-results/``."""
