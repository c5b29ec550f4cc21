"""A session's transcript as a file."""
