"""A plain recount of the voices of a conversation from its exported JSON, to hold the listener's figures against."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastapi_service.export.entries import Speakers
from fastapi_service.export.formats import FORMATS, File
from fastapi_service.export.sentences import Sentences
from listener_service.timeline import PPM, Bucket
from listener_service.turning_points import turning_points
from listener_service.words import count_words
from tests.support.recounts import Said, longest
from wire.messages.results import LABELS, Final, NoSpeech, SegmentFailed
from wire.messages.statistics import LabelStatistics, NotableSentence, TimelinePoint, VoiceStatistics

POINTS = 30


def exported(released: Sequence[Final | NoSpeech | SegmentFailed]) -> list[dict[str, Any]]:
    """Return the entries of the JSON that is exported of a log, each with the first result of it as ``first``."""
    results = [end for end in released if not isinstance(end, NoSpeech)]
    speakers, sentences = Speakers(), Sentences()
    for end in results:
        speakers.note(end)
        sentences.note(end)
    file = File(FORMATS["json"], speakers.by_session(), sentences)
    entries = json.loads(file.head() + file.entries(results) + file.tail())["entries"]
    firsts = [end for end in results if isinstance(end, SegmentFailed) or not end.continues]
    return [entry | {"first": first} for entry, first in zip(entries, firsts, strict=True)]


def recounted_voices(entries: Sequence[dict[str, Any]], session_id: str, window: int) -> tuple[VoiceStatistics, ...]:
    """Count the entries of one session voice by voice; ``window`` is the number of sentences of the trend."""
    own = [each for each in entries if each["first"].session_id == session_id and each["voice"] is not None]
    whole_ms = sum(map(_length, own))
    return tuple(_row(own, voice, whole_ms, window) for voice in sorted({each["voice"] for each in own}))


def _row(own: Sequence[dict[str, Any]], voice: int, whole_ms: int, window: int) -> VoiceStatistics:
    said = [each for each in own if each["voice"] == voice]
    judged = [each for each in said if each["sentiment"]]
    moods = [each["sentiment"] for each in judged]
    ms, words = sum(map(_length, said)), sum(count_words(each["text"], each["language"]) for each in said)
    valences = [_valence(each) for each in judged]
    timeline = _timeline(own, voice)
    scores = {label: [round(PPM * mood["score"]) for mood in moods if mood["label"] == label] for label in LABELS}
    talk = [Said(str(each["voice"]), one["start_ms"], one["end_ms"]) for each in own for one in each["utterances"]]
    return VoiceStatistics(
        session_id=said[0]["first"].session_id,
        voice=voice,
        share=int(ms * 1000 / whole_ms + 0.5) / 1000 if whole_ms else None,
        words_per_minute=int(words * 600_000 / ms + 0.5) / 10 if ms else None,
        longest_monologue_ms=longest(talk, str(voice)),
        utterances=sum(len(each["utterances"]) for each in said),
        sentences=len(said),
        words=words,
        speech_ms=ms,
        sentiment={
            label: LabelStatistics(count=len(each), mean_score=sum(each) / (PPM * len(each)) if each else None)
            for label, each in scores.items()
        },
        unanalysed=len(said) - len(judged),
        unsure=sum(mood["unsure"] for mood in moods),
        zero_shot=sum(mood["zero_shot"] for mood in moods),
        trend=sum(valences[-window:]) / (PPM * len(valences[-window:])) if valences else None,
        timeline=tuple(
            TimelinePoint(at=each.at, valence=round(each.valence_ppm / (PPM * each.count), 3), count=each.count)
            for each in timeline
        ),
        languages=dict(Counter(each["language"] for each in said)),
        turning_points=turning_points(timeline),
        most_positive=_notable(judged, 1),
        most_negative=_notable(judged, -1),
    )


def _timeline(own: Sequence[dict[str, Any]], voice: int) -> list[Bucket]:
    """Cut the sentences of all voices into few stretches of 1, 2, 4, … and take the voice's in each."""
    judged = [each for each in own if each["sentiment"]]
    size = 1
    while len(judged) > POINTS * size:
        size *= 2
    found = []
    for start in range(0, len(judged), size):
        stretch = judged[start : start + size]
        valences = [_valence(each) for each in stretch if each["voice"] == voice]
        at = stretch[0]["first"].clock.speech_end
        found += [Bucket(at=at, count=len(valences), valence_ppm=sum(valences))] if valences else []
    return found


def _notable(judged: Sequence[dict[str, Any]], sign: int) -> NotableSentence | None:
    best = max(judged, key=lambda each: sign * _valence(each), default=None)  # the first of equal ones
    if best is None or sign * _valence(best) <= 0:
        return None
    first = best["first"]
    valence = round(_valence(best) / PPM, 3)
    return NotableSentence(
        session_id=first.session_id, segment=first.segment, at=first.clock.speech_end, valence=valence
    )


def _length(entry: dict[str, Any]) -> int:
    return sum(int(one["end_ms"]) - int(one["start_ms"]) for one in entry["utterances"])


def _valence(entry: dict[str, Any]) -> int:
    probabilities: dict[str, float] = entry["sentiment"]["probabilities"]
    return round(PPM * probabilities["positive"]) - round(PPM * probabilities["negative"])
