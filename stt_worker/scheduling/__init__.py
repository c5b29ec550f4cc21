"""Decides which utterances are decoded next, and which together."""
