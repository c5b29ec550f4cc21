"""Whisper for short utterances: the weights, tokens and features of openai-whisper, encoder and decoder of our own.

``encoder`` → ``decoder`` → ``greedy`` → ``word_times``; ``linear`` holds the matrix products of all, and ``guards``
tells whether a text can be trusted.
"""
