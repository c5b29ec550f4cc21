"""Benchmarks, run by ``make bench-*``. They write their figures to ``bench-results/``."""
