"""Speech-to-text engines behind the contract in ``base``, and what they run on: device, threads, voice activity."""
