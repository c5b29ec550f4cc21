"""The job store: every utterance that was acknowledged and has no result yet."""
