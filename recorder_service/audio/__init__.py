"""Audio sources: the microphone, WAV files."""
