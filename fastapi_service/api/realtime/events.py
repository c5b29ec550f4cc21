"""Events of the service, as their clients read them; without ``event_id``, which the serializer adds."""

from typing import Any, Literal

from wire.messages.results import Final, SegmentFailed
from wire.messages.server import Error

Event = dict[str, Any]
TRANSCRIPTION = "conversation.item.input_audio_transcription"
_OVERLOADED = {"service_full", "redis_unreachable", "too_slow", "busy"}
_RIGHTS = {"no_grant", "grant_refused", "grant_ended", "not_allowed", "not_invited", "room_closed", "removed"}
_LIMITS = {"slow_down", "too_many_connections", "minutes_used", "too_fast"}


def speech_started(item_id: str, at_ms: int) -> Event:
    """Return the event of a voice; ``at_ms`` is on the session's audio clock."""
    return {"type": "input_audio_buffer.speech_started", "audio_start_ms": at_ms, "item_id": item_id}


def speech_stopped(item_id: str, at_ms: int) -> Event:
    """Return the event of silence after a voice."""
    return {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": at_ms, "item_id": item_id}


def committed(item_id: str, previous: str | None) -> list[Event]:
    """Return the events of an item whose audio is complete."""
    content = [{"type": "input_audio", "transcript": None}]
    item = {
        "id": item_id, "object": "realtime.item", "type": "message", "status": "completed", "role": "user",
        "content": content,
    }  # fmt: skip
    added = {"previous_item_id": previous, "item": item}
    return [
        {"type": "input_audio_buffer.committed", "previous_item_id": previous, "item_id": item_id},
        {"type": "conversation.item.added"} | added,
        {"type": "conversation.item.done"} | added,
    ]


def cleared() -> Event:
    """Return the event of audio that was taken back."""
    return {"type": "input_audio_buffer.cleared"}


def delta(item_id: str, text: str) -> Event:
    """Return the event of text that follows the text so far."""
    return {"type": f"{TRANSCRIPTION}.delta", "item_id": item_id, "content_index": 0, "delta": text}


def completed(item_id: str, text: str, finals: list[Final], seconds: float) -> Event:
    """Return the event of an item's text, with its sentiment.

    Args:
        item_id: of the item.
        text: of the item.
        finals: the texts of its utterances; none: nothing was said.
        seconds: length of its audio.
    """
    languages = dict.fromkeys(final.language for final in finals)
    return {
        "type": f"{TRANSCRIPTION}.completed",
        "item_id": item_id,
        "content_index": 0,
        "transcript": text,
        "languages": [{"code": code} for code in languages],
        "usage": {"type": "duration", "seconds": round(seconds, 3)},
        "sentiments": [_sentiment(final) for final in finals],
    }


def _sentiment(final: Final) -> Event:
    """Return the sentiment of an utterance, with its place on the audio clock; an addition to OpenAI's event."""
    sentiment = final.sentiment.model_dump() if final.sentiment is not None else None
    times = {"segment": final.segment, "start_ms": final.start_ms, "end_ms": final.end_ms}
    return times | {"text": final.text, "sentiment": sentiment, "sentiment_reason": final.sentiment_reason}


def failed(item_id: str, failure: SegmentFailed) -> Event:
    """Return the event of an item without a text."""
    message = f"{failure.message} {failure.remedy}"
    reason = {"type": "server_error", "code": failure.code, "message": message, "param": None}
    return {"type": f"{TRANSCRIPTION}.failed", "item_id": item_id, "content_index": 0, "error": reason}


def incomplete(failure: SegmentFailed) -> Event:
    """Return the event of an utterance without a text, in an item whose others have one."""
    message = f"The text of a part of an item is missing. {failure.message} {failure.remedy}"
    reason = {"type": "server_error", "code": failure.code, "message": message, "param": None, "event_id": None}
    return {"type": "error", "error": reason}


def error(found: Error, param: str | None = None, event_id: str | None = None) -> Event:
    """Return the event of an error.

    Args:
        found: the error.
        param: field of the client's event that is wrong.
        event_id: that of the client's event.
    """
    reason = {
        "type": _kind(found.code),
        "code": found.code,
        "message": f"{found.message} {found.remedy}",
        "param": param,
        "event_id": event_id,
    }
    return {"type": "error", "error": reason}


def _kind(
    code: str,
) -> Literal["server_error", "authentication_error", "rate_limit_error", "invalid_request_error"]:
    if code in _OVERLOADED:
        return "server_error"
    if code in _RIGHTS:
        return "authentication_error"
    return "rate_limit_error" if code in _LIMITS else "invalid_request_error"
