"""Conversations whose sentences are in several finals, made by chance."""

import random

from tests.support.speakers import ALICE, BOB, clock, failed, final, sentiment
from wire.messages.results import LABELS, Final, SegmentFailed
from wire.messages.transcript import Word
from wire.sentence_ends import joined

LANGUAGES = ("en", "en", "fr", "ja", "zh", "ko")
TEXTS = (
    "Ask not",
    "what they.",
    "can do",
    '"No."',
    "Vraiment ?",
    "...",
    "Yes!",
    "« Non. »",
    "a , b",
    "今日は。",
    "你好",
    "",
)


def conversation(chance: random.Random) -> list[Final | SegmentFailed]:
    """Two sessions in turn as the listener releases them; sometimes without the beginning of the log."""
    said: list[Final | SegmentFailed] = []
    newest: dict[str, Final | None] = {ALICE: None, BOB: None}
    following = {ALICE: 0, BOB: 0}
    for _ in range(chance.randrange(14)):
        session = chance.choice([ALICE, BOB])
        segment = following[session]
        following[session] += chance.choice([1, 1, 2])
        if chance.random() < 0.15:
            newest[session] = None
            said.append(failed(segment, session))
            continue
        newest[session] = end = _final(chance, segment, session, newest[session])
        said.append(end)
    return said[chance.choice([0, 0, 1, 3]) :]


def _final(chance: random.Random, segment: int, session: str, before: Final | None) -> Final:
    text, language = chance.choice(TEXTS), before.language if before else chance.choice(LANGUAGES)
    mood = sentiment(chance.choice(LABELS), chance.choice([0.5, 0.625, 0.9]))
    end = final(segment, session, text=text, language=language, mood=chance.choice([mood, mood, None]))
    end = end.model_copy(update={"clock": clock(1_000.0 + segment * 2), "words": _words(chance, end)})
    if before is None or chance.random() < 0.4:
        return end
    first = before.segment if before.first_segment is None else before.first_segment
    return end.continuing(before.segment, first, joined(before.sentence or before.text, text, language))


def _words(chance: random.Random, end: Final) -> tuple[Word, ...]:
    """The words of a text; sometimes none, and sometimes without the space that engines put before each of them."""
    if chance.random() < 0.15:
        return ()
    parts, space = end.text.split(" "), chance.choice([" ", " ", " ", ""])
    step = (end.end_ms - end.start_ms) // len(parts)
    return tuple(
        Word(
            text=(" " if n else space) + part,
            start_ms=end.start_ms + n * step,
            end_ms=end.start_ms + (n + 1) * step,
            probability=chance.choice([0.5, 1.0, 0.125]),
        )
        for n, part in enumerate(parts)
        if part
    )
