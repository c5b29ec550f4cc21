"""Whisper for short utterances: the weights, tokens and features of openai-whisper, encoder and decoder of our own.

``encoder`` → ``decoder`` → ``greedy`` → ``word_times``; ``attention`` and ``linear`` hold the products of the first
two, and ``guards`` tells whether a text can be trusted.
"""
