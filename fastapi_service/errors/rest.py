"""Errors of files that are sent over HTTP."""

from wire.errors import AccessError, AudioError, ProtocolError, StoreError


class FieldError(ProtocolError):
    """A field of a form is invalid; ``field`` is its name."""

    def __init__(self, field: str, message: str, remedy: str, code: str = "invalid_value") -> None:
        super().__init__(code, message, remedy)
        self.field = field


class MissingError(ProtocolError):
    """There is nothing at a path."""


def bad_field(field: str, reason: str, remedy: str) -> FieldError:
    """A field has a value that is not allowed; it is not repeated."""
    return FieldError(field, f"The field {field} is invalid: {reason}.", remedy)


def no_upload() -> FieldError:
    """A form has no file."""
    return FieldError("file", "The form has no file.", "Send the sound as the field file, with a file name.", "no_file")


def empty_upload() -> AudioError:
    """The file of a form has no bytes."""
    return AudioError("not_wav", "The file is empty.", "Send one with sound.")


def no_form() -> ProtocolError:
    """The body is no form."""
    return ProtocolError("no_form", "The body is no multipart form.", "Send it as multipart/form-data.")


def broken_form(reason: str) -> ProtocolError:
    """A form breaks off, or has more parts than it may."""
    return ProtocolError("bad_form", f"The form cannot be read: {reason}.", "See docs/doors.md.")


def upload_too_large() -> AudioError:
    """A form has more bytes than the settings allow; how many that are is in the settings."""
    return AudioError(
        "too_large",
        "The file is larger than this service takes (GATEWAY_MAX_FILE_MB).",
        "Cut it into parts, or convert it to a smaller format.",
    )


def failed() -> StoreError:
    """A request failed for a reason that only the log has."""
    return StoreError("internal_error", "The request failed.", "Try again; the operator finds the reason in the log.")


def upload_too_slow() -> AccessError:
    """A file comes too slowly."""
    return AccessError(
        "upload_slow", "The file comes too slowly, or the line has stalled.", "Try again on a better line.", status=408
    )


def too_many_uploads(again_s: int) -> AccessError:
    """As many files as there is room for are on the way, of one client or of all."""
    return AccessError(
        "too_many_files",
        "As many files as the service takes at once are on the way already.",
        f"Try again in {again_s} s, or send fewer at once.",
        status=429,
        again_s=again_s,
    )


def silent_file() -> AudioError:
    """A file has no samples."""
    return AudioError("wav_empty", "This file holds no audio.", "Give a file with at least one sample.")


def no_results(seconds: int) -> StoreError:
    """No utterance of a file has been transcribed for long."""
    return StoreError(
        "no_results",
        f"Nothing of the file was transcribed for {seconds // 60} minutes.",
        "Try again later; the operator must see that workers run, and that they keep up.",
    )


def not_transcribed(code: str, message: str, remedy: str) -> StoreError:
    """Every utterance of a file has failed, with the error of the last one."""
    return StoreError(code, message, remedy)


def file_forgotten() -> StoreError:
    """The session of a file was deleted or taken over, or has expired, while it was transcribed."""
    return StoreError("session_ended", "The session of this file has ended.", "Send the file again.")


def unknown_model() -> MissingError:
    """No model has this name."""
    return MissingError("model_not_found", "There is no such model.", "GET /v1/models lists those there are.")


def unknown_job() -> MissingError:
    """There is no such job for this client."""
    return MissingError(
        "job_not_found",
        "There is no such job of yours: it has another owner, was deleted, or has expired.",
        "A job is kept for SESSION_TTL_S (an hour) after its end.",
    )


def job_interrupted() -> StoreError:
    """The gateway that a job ran in is gone."""
    return StoreError("interrupted", "The gateway has ended before the file was transcribed.", "Send the file again.")
