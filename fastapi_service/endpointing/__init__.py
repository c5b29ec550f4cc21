"""Finds where utterances begin and end. Pure: no Redis, no sockets, no clock of its own."""
