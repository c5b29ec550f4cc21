"""A client of the gateway: send audio, receive messages, survive a broken connection."""
