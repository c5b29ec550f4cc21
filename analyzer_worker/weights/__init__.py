"""Model files: found, extracted or downloaded, and verified."""
