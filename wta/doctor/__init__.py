"""Checks of all that is between this machine and a transcript, in the order in which a connection meets it."""
