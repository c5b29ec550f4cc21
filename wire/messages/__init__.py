"""The messages between processes, one module per sender and receiver."""
