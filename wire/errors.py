"""Errors made for people: a code for programs, a sentence for readers, and what to do next."""


class WireError(Exception):
    """An error that a user may see.

    ``code`` is stable and machine-readable (``model_missing``), ``message`` says what happened, ``remedy`` says what to
    do about it. Neither holds transcript text or audio.
    """

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.code = code
        self.message = message
        self.remedy = remedy


class ConfigurationError(WireError):
    """A setting has a value that the service cannot start with."""


class ModelError(WireError):
    """A model is missing, half downloaded, of a wrong hash, or cannot be loaded."""


class AudioError(WireError):
    """Audio that cannot be read: not a WAV file, an unknown sample format, no microphone."""


class ProtocolError(WireError):
    """A client sent something that the protocol does not allow."""


class StoreError(WireError):
    """Redis cannot be reached, is full, or refused the password."""
