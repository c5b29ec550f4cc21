"""Results → order, exactly once, statistics → gateways."""
