"""What the gateway keeps in Redis about a session."""
