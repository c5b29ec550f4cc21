"""The ledger, a durable job store: every acknowledged utterance that has no released result yet."""
