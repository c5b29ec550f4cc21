"""Where audio comes from, and where it can be heard."""
