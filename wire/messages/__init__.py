"""Everything that is said between processes, one module per pair of speakers."""
