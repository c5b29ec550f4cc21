"""The gateway's records of sessions in Redis."""
