"""The sessions whose clients are connected to this gateway."""
