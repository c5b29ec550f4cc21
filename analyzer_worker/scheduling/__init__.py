"""Decides which utterances are classified together."""
