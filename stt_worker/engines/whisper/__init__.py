"""Whisper for short utterances: weights, tokens and features of openai-whisper, with its own encoder and decoder.

``load`` makes the ``engine``, which encodes, decodes and decides if a text is accepted: ``encoder``, then ``greedy``
with ``decoder``, ``kv_cache``, ``suppression`` and ``vocabulary``, then ``fallback`` with ``repetition``, then
``word_timestamps`` with ``time_warping``.
``attention`` and ``linear`` are the products of encoder and decoder, in the formats of ``numerics``.
"""
