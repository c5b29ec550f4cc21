"""Results of a conversation as workers make them, drawn by hypothesis: of all kinds, joined in right and wrong ways."""

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.support.speakers import BOB, clock, failed, final, no_speech, sentiment
from wire.messages.results import LABELS, Final, NoSpeech, SegmentFailed, Sentiment

End = Final | NoSpeech | SegmentFailed
Drawn = tuple[str, str, Sentiment | None, bool]
"""Kind of a result, join with the texts before, sentiment, and whether its language is Korean."""


def mood_of(score: int, *, unsure: bool = False, zero_shot: bool = False) -> Sentiment:
    """One of many sentiments, no two of them alike in score."""
    mood = sentiment(LABELS[score % 3], 0.4 + score % 59 / 100)
    return mood.model_copy(update={"unsure": unsure, "zero_shot": zero_shot})


moods = st.none() | st.builds(mood_of, st.integers(0, 500), unsure=st.booleans(), zero_shot=st.booleans())
joins = st.sampled_from(["begins", "continues", "continues", "skips one", "has another beginning"])
results = st.tuples(st.sampled_from(["final", "final", "final", "no speech", "failed"]), joins, moods, st.booleans())


def spoken(session: str, drawn: Sequence[Drawn], room: str | None = "kitchen") -> list[End]:
    """The results of a session as workers make them; some were joined with the wrong texts."""
    ends: list[End] = []
    chain: list[int] = []
    for segment, (kind, join, mood, korean) in enumerate(drawn):
        if kind != "final":
            ends.append((no_speech if kind == "no speech" else failed)(segment, session, room=room))
            continue
        language = "ko" if korean and join == "begins" else "en"
        end = final(segment, session, room=room, mood=mood, language=language, text="a b " * (segment % 4))
        end = end.model_copy(update={"clock": clock(1_000.0 + 3 * segment + (session == BOB))})
        chain = chain if chain and join != "begins" else []
        if chain:
            before = chain[-2] if join == "skips one" and len(chain) > 1 else chain[-1]
            first = segment - 1 if join == "has another beginning" else chain[0]
            end = end.continuing(before, first, "a sentence")
        chain = [*chain, segment]
        ends.append(end)
    return ends
