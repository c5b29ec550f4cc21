"""Metrics and readiness, for operators."""
