"""What a service says about three people in a room, for tests of the page without one."""

from collections.abc import Sequence
from typing import Any

ROOM = "kitchen"
BEGAN = 1_790_000_000.0
PEOPLE: tuple[tuple[str, str | None, str | None], ...] = (
    ("a" * 16, "김서연", "agent"),
    ("b" * 16, "Max Mustermann", "customer"),
    ("c" * 16, None, None),
)
"""Id, name and role."""
SAID = (
    (0, "Good morning, how can I help you?", 0.5),
    (1, "Nothing has come, and nobody answers. That is really annoying.", -0.9),
    (0, "I am sorry. You get another one at once.", -0.3),
    (1, "Oh, thank you very much, that is great!", 0.95),
    (2, "That was quick.", 0.1),
)
"""Number of the person, sentence and its valence."""
DEAD_ZONE = 0.2
UTTERANCE_MS = 4_000
APART_S = 12


def speaker(number: int) -> dict[str, Any]:
    """Return a person as in results."""
    person, name, role = PEOPLE[number]
    return {"person": person, "name": name, "role": role}


def people(talking: Sequence[int] = (), **own: Any) -> dict[str, Any]:
    """Return who is there: all of ``PEOPLE``, the first of them with other fields, and two who listen."""
    who = [{**speaker(i), "talker": True, "talking": i in talking, **(own if i == 0 else {})} for i in range(3)]
    who += [
        {"person": p * 16, "name": n, "role": None, "talker": False, "talking": False}
        for p, n in (("d", "Bob"), ("e", None))
    ]
    return {"type": "people", "room": ROOM, "people": 5, "talking": 3, "who": who}


def label(valence: float) -> str:
    """Return the label of a sentence."""
    return "neutral" if abs(valence) < DEAD_ZONE else "positive" if valence > 0 else "negative"


def final(segment: int) -> dict[str, Any]:
    """Return the final of one of ``SAID``."""
    number, text, valence = SAID[segment]
    end = BEGAN + APART_S * segment + UTTERANCE_MS / 1000
    end_ms = int((end - BEGAN) * 1000)
    sentiment = {
        "label": label(valence),
        "score": 0.8,
        "probabilities": {"negative": 0, "neutral": 0.2, "positive": 0.8},
    }
    return {
        "type": "final", "session_id": str(number) * 32, "room": ROOM, "segment": segment, "seq": segment + 1,
        "revision": 0, "start_ms": end_ms - UTTERANCE_MS, "end_ms": end_ms,
        "clock": {"speech_end": end, "endpointed": end, "audio_end": end, "delivered": end}, "speaker": speaker(number),
        "text": text, "words": [], "language": "en", "sentiment": sentiment, "sentiment_reason": None,
    }  # fmt: skip


def totals(numbers: Sequence[int]) -> dict[str, Any]:
    """Return the figures that people and room both have."""
    said = [(segment, valence) for segment, (number, _, valence) in enumerate(SAID) if number in numbers]
    labels = [label(valence) for _, valence in said]
    counts = {name: {"count": labels.count(name), "mean_score": 0.8} for name in ("negative", "neutral", "positive")}
    timeline = [{"at": BEGAN + APART_S * segment + 4, "valence": valence, "count": 1} for segment, valence in said]
    found: dict[str, Any] = {}
    for name, (segment, valence) in (
        ("most_positive", max(said, key=lambda each: each[1])),
        ("most_negative", min(said, key=lambda each: each[1])),
    ):
        if valence * (1 if name == "most_positive" else -1) > 0:
            session = str(SAID[segment][0]) * 32
            found[name] = {"session_id": session, "segment": segment, "at": BEGAN, "valence": valence}
    return {
        "version": 1, "utterances": len(said), "sentences": len(said), "words": 9 * len(said),
        "speech_ms": UTTERANCE_MS * len(said), "sentiment": counts, "unanalysed": 0, "unsure": 0, "zero_shot": 0,
        "uncertain": 0, "failures": 0, "no_speech": 0, "trend": 0.25, "trend_window": 20, "timeline": timeline,
        "languages": {"en": len(said)}, "turning_points": [{"at": timeline[-1]["at"], "valence": 0.4}], **found,
    }  # fmt: skip


def person_statistics(number: int) -> dict[str, Any]:
    """Return the figures of one person."""
    return {"type": "person_stats", "room": ROOM, **speaker(number), **totals([number])}


def statistics() -> dict[str, Any]:
    """Return the figures of the room."""
    shares = [sum(number == each for each, _, _ in SAID) / len(SAID) for number in range(3)]
    talk = [
        {
            **speaker(number), "talk_ms": int(UTTERANCE_MS * len(SAID) * share), "share": share, "words": 9,
            "words_per_minute": 135.0, "longest_monologue_ms": UTTERANCE_MS, "interruptions": number, "overlap_ms": 840,
        }
        for number, share in enumerate(shares)
    ]  # fmt: skip
    conversation = {"people": talk, "silence_ms": 32_000, "overlap_ms": 1_680}
    room: dict[str, Any] = {"type": "stats", "scope": "room", "session_id": None, "room": ROOM, "latency": {}}
    return {**room, **totals(range(3)), "conversation": conversation}


def everything() -> list[dict[str, Any]]:
    """Return all that was said, and all figures twice: they come after each sentence."""
    finals = [final(segment) for segment in range(len(SAID))]
    figures = [statistics(), *(person_statistics(number) for number in range(3))]
    return [people([1]), *finals, *figures, *figures]
