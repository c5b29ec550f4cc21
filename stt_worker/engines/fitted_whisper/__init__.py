"""Whisper for short utterances: the weights, tokens and features of openai-whisper, encoder and decoder of our own.

``features`` → ``encoder`` → ``decoder`` → ``greedy``; ``linear`` holds the matrix products of all, and ``guards``
tells whether a text can be trusted.
"""
