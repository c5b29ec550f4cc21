"""What the commands do: one recording, or many at once."""
