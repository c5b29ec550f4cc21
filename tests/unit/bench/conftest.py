"""Imports the recordings first: Whisper's normaliser leaves a file open, once."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", ResourceWarning)
    import bench.clips  # noqa: F401
