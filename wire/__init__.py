"""The contract between services and clients: names, messages, audio format, languages, errors. No input or output."""
