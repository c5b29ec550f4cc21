"""Which utterance is decoded next, and which together."""
