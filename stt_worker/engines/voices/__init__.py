"""The voice of an utterance as a vector: voices that are alike have vectors that are near each other."""
