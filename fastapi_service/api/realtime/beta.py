"""The shapes of transcription sessions from before the general availability, for clients that still have them."""

from typing import Any

from fastapi_service.api.realtime.events import Event

FORMATS = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}
_FIELDS = {
    "input_audio_format": "format",
    "input_audio_noise_reduction": "noise_reduction",
    "input_audio_transcription": "transcription",
    "turn_detection": "turn_detection",
}
"""Field of the session then → field of ``audio.input`` now."""


def modern(session: dict[str, Any]) -> dict[str, Any]:
    """Return the ``session`` of an update in today's shape; one that has it already stays."""
    if session.keys().isdisjoint(_FIELDS) and "type" in session:
        return session
    given: dict[str, Any] = {now: session[then] for then, now in _FIELDS.items() if then in session}
    if "format" in given:
        named = given["format"]
        given["format"] = {"type": FORMATS.get(named, named) if isinstance(named, str) else named}
    rest = {name: value for name, value in session.items() if name == "include"}
    return {"type": "transcription", "audio": {"input": given}} | rest


def session(shown: dict[str, Any], what: str) -> Event:
    """Return the event of a session that was created or updated, from its settings in today's shape."""
    given = shown["audio"]["input"]
    then = {"type", "audio"}
    flat: dict[str, Any] = {name: value for name, value in shown.items() if name not in then}
    flat |= {then: given[now] for then, now in _FIELDS.items()}
    flat["input_audio_format"] = next(then for then, now in FORMATS.items() if now == given["format"]["type"])
    return {"type": f"transcription_session.{what}", "session": flat}
