"""The errors that clients see. Codes are stable and listed in docs/protocol.md; the texts may change."""

from collections.abc import Iterable

from wire.errors import AccessError, AudioError, ProtocolError, StoreError
from wire.people import MAX_NAME, MAX_ROLE

MAX_ERRORS = 20
"""Invalid messages after which a client is disconnected."""
_NO_SESSION = "There is no such session, it has expired, or the token does not belong to it."
_CONVERT = "Convert it to WAV, FLAC or MP3, and choose that file."
_CONTINUES = (
    "Nothing is lost, and it continues by itself; if it lasts longer than a minute, pause, and ask the operator"
)


def foreign_origin(origin: str, host: str) -> ProtocolError:
    """A page of another origin opens a WebSocket."""
    return ProtocolError(
        "origin_refused",
        f"Pages of {origin} may not connect: their requests come here for the host {host or '(none)'}.",
        "Let the proxy pass the header Host on, or send X-Forwarded-Host from an address in GATEWAY_TRUSTED_PROXIES; "
        f"or set GATEWAY_ALLOWED_ORIGINS={origin}. See docs/proxies.md.",
    )


def bad_origin() -> ProtocolError:
    """The parameter ``origin`` is no origin; it is not repeated."""
    return ProtocolError(
        "bad_origin",
        "The parameter origin is not the origin of a page.",
        "Write scheme, host and port, without a path, such as https://example.org.",
    )


def upgrade_lost() -> ProtocolError:
    """A WebSocket's handshake has no ``Upgrade`` header."""
    return ProtocolError(
        "upgrade_lost",
        "This is the address of a WebSocket, and the request is none: its header Upgrade is missing.",
        "Let the proxy pass the headers Upgrade and Connection on, with HTTP/1.1. See docs/proxies.md.",
    )


def bad_json() -> ProtocolError:
    """A text message is not JSON."""
    return ProtocolError(
        "bad_json",
        "A text message must be a JSON control message.",
        "Send audio as binary messages, and control messages as JSON objects with a type.",
    )


def unknown_message() -> ProtocolError:
    """A control message has no known type."""
    return ProtocolError(
        "unknown_message",
        "This type of control message is unknown.",
        "Send a JSON object whose type is start, configure, gap, stop or ping.",
    )


def unknown_language(reason: str) -> ProtocolError:
    """Whisper does not have the language of a ``start``."""
    return ProtocolError(
        "unknown_language",
        f"The language is unknown: {reason}.",
        "Send an ISO 639 code such as en, ko or de, or null.",
    )


def bad_room() -> ProtocolError:
    """A ``start`` has a room whose name is not allowed."""
    return ProtocolError(
        "bad_room", "The name of the room is invalid.", "Use 1 to 64 letters, digits, dots, hyphens or underscores."
    )


def bad_name(field: str, reason: str) -> ProtocolError:
    """A ``start`` or ``configure`` has a ``name`` or a ``role`` that cannot be shown; it is not repeated."""
    return ProtocolError(
        "bad_name",
        f"The {field} is invalid: {reason}.",
        f"Use one line of at most {MAX_ROLE if field == 'role' else MAX_NAME} characters, without control characters.",
    )


def bad_sample_rate(reason: str) -> ProtocolError:
    """A ``start`` has a sample rate out of range."""
    return ProtocolError(
        "bad_sample_rate",
        f"The sample rate is invalid: {reason}.",
        "Send a whole number of hertz between 8000 and 48000, the rate of the audio that follows.",
    )


def not_resumable() -> ProtocolError:
    """A ``start`` names a session that the token does not open."""
    return ProtocolError(
        "session_unknown", _NO_SESSION, "Start a new session: send start without session_id and token."
    )


def sample_rate_changed(rate: str | None, wanted: int) -> ProtocolError:
    """A ``start`` resumes a session whose audio has another rate, in hertz."""
    return ProtocolError(
        "sample_rate_changed",
        f"This session's audio has {rate} Hz, not {wanted} Hz.",
        f"Resume it with sample_rate {rate}, or start a new session.",
    )


def bad_message(field: str, reason: str) -> ProtocolError:
    """Any other field of a control message is invalid; ``field`` is empty for the message as a whole."""
    return ProtocolError("bad_message", f"Invalid {field or 'message'}: {reason}.", "See docs/protocol.md.")


def empty_audio() -> ProtocolError:
    """A binary message has no samples."""
    return ProtocolError("empty_audio", "Received an empty binary message.", "Send Int16 samples, or nothing.")


def odd_audio(size: int) -> ProtocolError:
    """A binary message has half a sample."""
    return ProtocolError(
        "odd_audio",
        f"Received a binary message of {size} bytes; Int16 samples have two bytes each. It was ignored.",
        "Send whole Int16 little-endian samples, mono.",
    )


def odd_frames(size: int) -> ProtocolError:
    """A binary message of a stereo input ends between the channels."""
    return ProtocolError(
        "odd_audio",
        f"Received a binary message of {size} bytes; two channels have four bytes for each moment. It was ignored.",
        "Send whole Int16 little-endian samples, interleaved: left, right, left, right.",
    )


def bad_channels(reason: str) -> ProtocolError:
    """The channels of a ``start`` or a ``configure``, or what belongs to them, are invalid."""
    return ProtocolError(
        "bad_channels",
        f"The channels are refused: {reason}.",
        "Send channels 1, or channels 2 with two speakers or two sessions to resume; see docs/protocol.md.",
    )


def unsupported_audio(found: str, sample_rate: int) -> AudioError:
    """The audio is something else than 16-bit PCM; ``found`` is what it looks like."""
    return AudioError(
        "unsupported_audio",
        f"The audio is no 16-bit PCM; it looks like {found}.",
        f"Send samples without a header: 16-bit little-endian PCM, mono, {sample_rate} Hz (the sample_rate of start).",
    )


def too_large(size: int, limit: int) -> ProtocolError:
    """A message has more bytes than allowed."""
    return ProtocolError(
        "too_large",
        f"Received a message of {size} bytes; {limit} are allowed. It was ignored.",
        "Send audio in smaller pieces, such as 100 ms.",
    )


def start_timeout(seconds: float) -> ProtocolError:
    """The client has a connection for some time, and no session."""
    return ProtocolError(
        "start_timeout",
        f"No session was started within {seconds:g} s, and others may need the place.",
        "Connect again when there is something to send, and send start, or audio, at once.",
    )


def already_started() -> ProtocolError:
    """A second ``start``."""
    return ProtocolError(
        "already_started",
        "The session has started already; its settings stay the same.",
        "Send start once, before any audio. For other settings open another connection.",
    )


def not_started(message_type: str) -> ProtocolError:
    """A message needs a session, and there is none yet."""
    return ProtocolError(
        "not_started", f"Received {message_type} before the session started.", "Send start or audio first."
    )


def too_long(seconds: int) -> ProtocolError:
    """The session has reached its longest duration."""
    return ProtocolError(
        "session_too_long", f"A session may last {seconds // 60} minutes.", "Start a new session to go on."
    )


def too_many_errors() -> ProtocolError:
    """The client has sent too many invalid messages."""
    return ProtocolError(
        "too_many_errors", f"{MAX_ERRORS} messages were refused.", "Correct the client; see docs/protocol.md."
    )


def taken_over() -> ProtocolError:
    """Another connection has resumed the session."""
    return ProtocolError(
        "taken_over", "The session continues in another connection.", "Close this one, or start a new session here."
    )


def too_slow() -> ProtocolError:
    """The client does not read its messages."""
    return ProtocolError(
        "too_slow", "Too many messages wait for this client to read them.", "Resume the session; nothing is lost."
    )


def bad_format(formats: Iterable[str]) -> ProtocolError:
    """The format of an export is unknown."""
    return ProtocolError("bad_format", "The export format is unknown.", f"Add ?format= and {_one_of(formats)}.")


def no_token() -> ProtocolError:
    """An export has no bearer token."""
    return ProtocolError(
        "no_token",
        "An export needs the token of the session.",
        "Send the header Authorization: Bearer TOKEN, with the token that came with ready.",
    )


def nothing_to_export() -> ProtocolError:
    """An export names a session that the token does not open."""
    return ProtocolError(
        "session_unknown",
        _NO_SESSION,
        "Use the token that came with ready, within SESSION_TTL_S (an hour) after the session's last activity.",
    )


def nothing_to_delete() -> ProtocolError:
    """A deletion names a session that the token does not open."""
    return ProtocolError(
        "session_unknown", _NO_SESSION, "What has expired is gone. Use the token that came with ready for what is not."
    )


def may_not_delete() -> ProtocolError:
    """A session that does not own its room deletes the room's conversation."""
    return ProtocolError(
        "not_owner",
        "Only the owner of a room can delete what was said in it: where access is open, its first session.",
        "Let the person who opened the room delete it; without that it goes when the room has been silent for "
        "SESSION_TTL_S (an hour).",
    )


def redis_unavailable() -> StoreError:
    """A request needs Redis, which is unavailable."""
    return StoreError(
        "redis_unreachable",
        "The service cannot reach its store at the moment.",
        "Try again in a few seconds; if it lasts, the operator must start Redis or correct REDIS_URL.",
    )


def redis_late() -> StoreError:
    """A write to Redis has not succeeded for a few seconds."""
    return StoreError(
        "redis_unreachable",
        "The service cannot write to its store at the moment, so results come late.",
        f"{_CONTINUES} to look at Redis.",
    )


def busy() -> StoreError:
    """The ledger, or Redis, is full."""
    return StoreError(
        "busy",
        "More speech waits than the service takes at once, so results come late.",
        f"{_CONTINUES} to add workers, or memory for Redis.",
    )


def full(connections: int) -> StoreError:
    """The gateway has its largest number of connections."""
    return StoreError(
        "service_full", f"All {connections} places are taken.", "Try again later, or ask the operator for more."
    )


def recording_too_long(limit_s: int) -> AudioError:
    """A file has more audio than one session takes."""
    return AudioError("too_long", f"The recording is longer than {limit_s // 3600} hours.", "Cut it into parts.")


def decoder_memory() -> AudioError:
    """A decoder has reached its limit."""
    return AudioError("decoder_memory", "The file takes more memory to decode than it may.", _CONVERT)


def decoder_crashed() -> AudioError:
    """A decoder ended without an answer: by a damaged file, or by its limit of processor time."""
    return AudioError("decoder_failed", "The file cannot be decoded: its decoder broke off.", _CONVERT)


def decoder_hangs() -> AudioError:
    """A decoder takes too long for a second of audio."""
    return AudioError("decoder_slow", "The file takes more time to decode than it may.", _CONVERT)


def line_too_slow(rate: int) -> AudioError:
    """The parts of a file come too slowly, or its sound is read too slowly; ``rate`` is in bytes per second."""
    message = f"The file goes over the line with less than {rate * 8 / 1e6:g} Mbit/s, or the line has stalled."
    return AudioError("decoder_slow", message, "Try again on a better line, or convert the file to a smaller format.")


def file_too_large(limit: int) -> AudioError:
    """A file has more bytes than it may."""
    message = f"The file is larger than {limit / 1e6:g} MB."
    return AudioError("too_large", message, "Cut it into parts, or convert it to a smaller format.")


def decoder_says(code: str, message: str, remedy: str) -> AudioError:
    """A decoder has refused a file."""
    return AudioError(code, message, remedy)


def decoders_busy() -> StoreError:
    """The client's address has a file here already, or all places are taken."""
    message = "A file from this address, or too many files, are being decoded at the moment."
    return StoreError("decoders_busy", message, "Try again in a few seconds.")


def no_file() -> ProtocolError:
    """The first message on ``/decode`` is another one."""
    return ProtocolError("bad_message", 'The first message must be {"type":"open","size":…}.', "See docs/protocol.md.")


def wrong_part() -> ProtocolError:
    """A client does not send the part of a file that was requested."""
    return ProtocolError("wrong_part", "The requested part of the file did not come.", "Choose the file again.")


def _one_of(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"


def no_grant() -> AccessError:
    """A client presents nothing, and access is closed."""
    return AccessError(
        "no_grant",
        "This service is for people who have signed in, and for programs with a key.",
        "Sign in on the page, open a link into a room, or send an API key. See docs/access.md.",
        status=401,
    )


def grant_refused() -> AccessError:
    """A client presents a key, a ticket, a link or a pass-phrase that is wrong, expired or revoked."""
    return AccessError(
        "grant_refused",
        "The key, pass-phrase, ticket or link is wrong, or no longer valid.",
        "Take a new one; keys come from the operator, links from the owner of the room.",
        status=401,
    )


def grant_ended() -> AccessError:
    """The key or the sign-in of a connection was revoked."""
    return AccessError(
        "grant_ended", "The key or the sign-in of this connection was ended.", "Sign in again, or take a new key."
    )


def not_allowed(right: str) -> AccessError:
    """A grant lacks a right."""
    remedies = {
        "talk": "Ask the owner of the room for a link to talk, or the operator for a key with the scope talk.",
        "files": "Send audio as it is spoken, or take a key with the scope files.",
    }
    return AccessError(
        "not_allowed",
        f"This needs the right: {right}.",
        remedies.get(right, f"Take a key with the scope {right} from the operator."),
    )


def refused_message(error: AccessError) -> ProtocolError:
    """A message is refused for its right; the connection goes on, and ends if that is repeated."""
    return ProtocolError(error.code, error.message, error.remedy)


def not_invited() -> AccessError:
    """A client enters a room that it neither owns nor has a link into."""
    return AccessError(
        "not_invited", "This room is entered by a link of its owner.", "Open that link, or make a room of your own."
    )


def not_owner() -> AccessError:
    """A client manages a room that is not its own."""
    return AccessError(
        "not_owner", "There is no such room, or it has another owner.", "Sign in as the owner of the room."
    )


def room_closed() -> AccessError:
    """A room was closed by its owner, or has expired."""
    return AccessError("room_closed", "The room is closed.", "Make another room.")


def room_taken() -> AccessError:
    """A room with that name has an owner already."""
    return AccessError("room_taken", "There is a room with this name.", "Choose another name, or none.", status=409)


def removed() -> AccessError:
    """A client was removed from a room by its owner."""
    return AccessError("removed", "You were removed from this room.", "Ask its owner.")


def access_is_open() -> AccessError:
    """A route that access needs is called, and access is open."""
    return AccessError(
        "access_open",
        "There is nothing to sign in to: whoever reaches this service may use it.",
        "Set GATEWAY_ACCESS=closed to change that.",
        status=404,
    )


def insecure() -> AccessError:
    """A browser signs in over plain HTTP, from another machine."""
    return AccessError(
        "insecure",
        "A pass-phrase is not taken over plain HTTP from another machine.",
        "Open the page by HTTPS; a proxy that speaks it sends X-Forwarded-Proto: https.",
    )


def slow_down(again_s: int) -> AccessError:
    """Too many wrong credentials came from one address."""
    return AccessError(
        "slow_down",
        "Too many wrong keys or pass-phrases came from this address.",
        f"Try again in {again_s} s.",
        status=429,
        again_s=again_s,
    )


def too_many_connections(of: str, again_s: int) -> AccessError:
    """An address, a key or a room has its largest number of connections."""
    return AccessError(
        "too_many_connections",
        f"This {of} has as many connections as it may.",
        f"End one of them; a broken one is forgotten within {again_s} s.",
        status=429,
        again_s=again_s,
    )


def minutes_used(minutes: int, again_s: int) -> AccessError:
    """An API key has used its audio of the day."""
    return AccessError(
        "minutes_used",
        f"The {minutes} minutes of audio that this key has for a day are used.",
        f"Go on in {again_s} s, when the next day begins (UTC), or ask the operator for more.",
        status=429,
        again_s=again_s,
    )


def too_fast(again_s: int) -> AccessError:
    """A client without the right to send files sends faster than people speak."""
    return AccessError(
        "too_fast",
        "The audio comes faster than it can have been spoken.",
        f"Send it as it is spoken, from {again_s} s on; for files, take a key with the scope files.",
        status=429,
        again_s=again_s,
    )
