"""Errors for users: each has a code for programs, a message and a remedy for readers."""


class WireError(Exception):
    """An error that a user may see. Contains no transcript text and no audio.

    Args:
        code: stable and machine-readable, such as ``model_missing``.
        message: a sentence with the cause.
        remedy: a sentence with the next step of the user.
    """

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.code = code
        self.message = message
        self.remedy = remedy


class ConfigurationError(WireError):
    """A setting has a value that the service cannot start with."""


class ModelError(WireError):
    """A model is missing or incomplete, has a wrong hash, or cannot be loaded."""


class AudioError(WireError):
    """Audio that cannot be read: not a sound file, an unknown sample format, no microphone."""


class ProtocolError(WireError):
    """A client sent something that the protocol does not allow."""


class AccessError(WireError):
    """A client may not do what it requests.

    Args:
        code: as of every error.
        message: as of every error; never with a key, a pass-phrase or another secret.
        remedy: as of every error.
        status: of an HTTP answer.
        again_s: seconds after which it may try again; None if waiting does not help.
    """

    def __init__(self, code: str, message: str, remedy: str, status: int = 403, again_s: int | None = None) -> None:
        super().__init__(code, message, remedy)
        self.status = status
        self.again_s = again_s


class StoreError(WireError):
    """Redis cannot be reached, is full, or cannot be used as it is.

    Args:
        code: as of every error.
        message: with the address of the server, for logs and for operators at their terminal.
        remedy: as of every error.
        public: the message without any address, for any client; None if ``message`` has none.
    """

    def __init__(self, code: str, message: str, remedy: str, public: str | None = None) -> None:
        super().__init__(code, message, remedy)
        self.public = f"{message if public is None else public} {remedy}"
        """Cause and remedy without an address."""


class UnusableStoreError(StoreError):
    """Redis answers, but cannot be used until an operator changes it or the settings: waiting does not help."""
