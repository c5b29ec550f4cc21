"""Finds, downloads and checks the weights of Whisper."""
