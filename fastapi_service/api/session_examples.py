"""Examples of what the routes of sessions answer, for their description."""

from typing import Any

from fastapi_service.api.answers import example

_SUMMARY: dict[str, Any] = {
    "session_id": "0123456789abcdef0123456789abcdef",
    "room": "kitchen",
    "state": "live",
    "began_at": 1_796_083_200.125,
    "ended_at": None,
    "expires_at": 1_796_086_863.4,
    "key": "0a1b2c3d",
    "task": "transcribe",
    "languages": ["en", "ko"],
    "audio_s": 63.5,
    "utterances": 2,
    "pending": 1,
    "speaker": {"person": "86db7a1ad5f25db8", "name": "Kim", "role": "agent"},
}
_COUNTED: dict[str, Any] = {
    "version": 1,
    "utterances": 1,
    "sentences": 1,
    "no_speech": 0,
    "uncertain": 0,
    "failures": 0,
    "words": 2,
    "speech_ms": 1_200,
    "sentiment": {
        "negative": {"count": 0, "mean_score": None},
        "neutral": {"count": 0, "mean_score": None},
        "positive": {"count": 1, "mean_score": 0.91},
    },
    "unanalysed": 0,
    "unsure": 0,
    "zero_shot": 0,
    "trend": 0.89,
    "trend_window": 20,
    "timeline": [{"at": 1_796_083_263.2, "valence": 0.89, "count": 1}],
    "languages": {"en": 1},
    "turning_points": [],
}
_STATISTICS = {
    "type": "stats",
    "scope": "session",
    "session_id": _SUMMARY["session_id"],
    "room": None,
    **_COUNTED,
    "latency": {"total": {"p50_ms": 812.5, "p95_ms": 1_403.2}},
}
_PERSON = {"type": "person_stats", "room": "kitchen", **_SUMMARY["speaker"], **_COUNTED}
_FIRST = {"session_id": "$response.body#/sessions/0/session_id"}
_LINKS = {
    f"{operation}_of_the_newest": {"operationId": operation, "parameters": _FIRST}
    for operation in ("get_session", "get_transcript", "delete_session")
}
PAGE: dict[int | str, dict[str, Any]] = {
    200: example(
        {"sessions": [_SUMMARY], "next": f"1796083200125-{_SUMMARY['session_id']}"}, "Sessions, the newest first."
    )
    | {"links": _LINKS}
}
DETAILS: dict[int | str, dict[str, Any]] = {
    200: example(
        _SUMMARY
        | {
            "statistics": _STATISTICS,
            "room_statistics": _STATISTICS | {"scope": "room", "session_id": None, "room": "kitchen"},
            "people": [_PERSON],
        },
        "The session, and the statistics of session, room and people.",
    )
}
