"""Sound files of all kinds as the one format of the system."""
