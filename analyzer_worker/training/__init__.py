"""Training of the built-in model; no worker imports it."""
