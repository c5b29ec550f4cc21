"""The contract: what services and clients agree on. Names, messages, audio format, languages, errors. Pure."""
