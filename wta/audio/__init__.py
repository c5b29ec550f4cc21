"""Audio sources: the microphone, sound files."""
