"""A microphone or a sound file → the gateway's WebSocket → results on the terminal; also a simple load generator."""
