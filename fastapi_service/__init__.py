"""The gateway: sockets, sessions, endpointing, the way into the ledger and the results' way back."""
