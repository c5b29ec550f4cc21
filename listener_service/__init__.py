"""Listener: puts results in order, releases each exactly once, counts statistics, and sweeps the ledger."""
