"""From a client's samples to jobs in the ledger."""
