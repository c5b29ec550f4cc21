"""A microphone or a WAV file → the gateway's WebSocket → results on the terminal; also the simplest load generator."""
