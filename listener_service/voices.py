"""Pure: which of the utterances of one microphone were said by the same voice.

Online: each utterance joins the voice that it is most like, or begins a new one, at once and by what was said before
only. Two voices that turn out to be alike become one. Earlier utterances are not looked at again: the state is small.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel

from infra.voiceprints import Vector, Voiceprint, pack, unpack
from wire.messages.base import STORED
from wire.messages.results import Final, SegmentEnd

MOST = 8
"""Voices of a session. Then the most similar one takes the rest: more people are not distinguished."""
SAME = (0.45, 0.55)
"""Cosine with the mean of a voice from which an utterance is taken for that voice: of one second, and of four or more.
The vector of a longer one is more certain."""
SAME_S = (1.0, 4.0)
"""Those lengths of speech, s. A shorter utterance is taken for the nearest voice: it says more about the words than
about the voice, and begins none."""
ALIKE = 0.60
"""Cosine of the means of two voices from which they are one."""
WEIGHT_S = 4.0
"""Seconds beyond which an utterance counts no more in the mean of its voice."""


class Voice(BaseModel):
    """One voice: the mean of its utterances."""

    model_config = STORED

    number: int
    """In the session, from 1, in the order of appearance; not used again after a merge."""
    seconds: float
    """Weight of the mean: speech in it."""
    mean: str
    """As ``infra.voiceprints.pack`` writes it."""


class Heard(NamedTuple):
    """The voice of an utterance."""

    voice: int | None
    """Number of the voice; None if nothing says it."""
    merged: dict[int, int]
    """Numbers that are the voice of another number from now on; mostly empty."""


class Voices(BaseModel):
    """The voices of one session; bounded."""

    model_config = STORED

    model: str = ""
    """Model of the voiceprints. Those of another one cannot be compared: then other voices begin."""
    voices: list[Voice] = []
    last: int = 0
    """Highest number given."""

    def hear(self, voiceprint: Voiceprint | None) -> tuple["Voices", Heard]:
        """Return the voices after one more utterance, and whose it is; ``self`` is not changed."""
        if voiceprint is None:
            return self, Heard(None, {})
        known = self if voiceprint.model == self.model else Voices(model=voiceprint.model, last=self.last)
        means = [unpack(voice.mean) for voice in known.voices]
        likeness = [float(mean @ voiceprint.vector) for mean in means]
        place = _chosen(likeness, voiceprint.seconds)
        if place is None:
            return known, Heard(None, {})
        if place == len(means):
            return known._begun(voiceprint)
        return known._joined(place, means[place], voiceprint)

    def _begun(self, voiceprint: Voiceprint) -> tuple["Voices", Heard]:
        number = self.last + 1
        voice = Voice(number=number, seconds=_weight(voiceprint), mean=voiceprint.numbers)
        after = self.model_copy(update={"voices": [*self.voices, voice], "last": number})
        return after, Heard(number, {})

    def _joined(self, place: int, mean: Vector, voiceprint: Voiceprint) -> tuple["Voices", Heard]:
        voice = self.voices[place]
        grown = _mean(voice, mean, voice.number, _weight(voiceprint), voiceprint.vector)
        others = [*self.voices[:place], *self.voices[place + 1 :]]
        merged: dict[int, int] = {}
        while others:
            mean = unpack(grown.mean)
            likeness = [float(mean @ unpack(other.mean)) for other in others]
            nearest = max(range(len(others)), key=likeness.__getitem__)
            if likeness[nearest] < ALIKE:
                break
            other = others.pop(nearest)
            gone, stays = max(grown.number, other.number), min(grown.number, other.number)
            merged = {**{number: stays if into == gone else into for number, into in merged.items()}, gone: stays}
            grown = _mean(grown, mean, stays, other.seconds, unpack(other.mean))
        voices = sorted([*others, grown], key=lambda each: each.number)
        return self.model_copy(update={"voices": voices}), Heard(grown.number, merged)


def labelled(
    voices: Voices, results: Iterable[SegmentEnd], voiceprints: Mapping[int, Voiceprint]
) -> tuple[Voices, list[SegmentEnd]]:
    """Return the voices after the next results of a session, and these with the voices of their texts.

    Args:
        voices: of the session so far.
        results: in the order of their segments.
        voiceprints: by segment, as far as there are any.
    """
    ends: list[SegmentEnd] = []
    for end in results:
        if not isinstance(end, Final):
            ends.append(end)
            continue
        voices, (voice, merged) = voices.hear(voiceprints.get(end.segment))
        ends.append(end.said_by(voice, merged))
    return voices, ends


def _chosen(likeness: list[float], seconds: float) -> int | None:
    """Return the place of the voice of an utterance; the next free place for a new voice, None for none.

    Args:
        likeness: of the utterance with each voice, −1 to 1.
        seconds: of speech in the utterance.
    """
    best = max(range(len(likeness)), key=likeness.__getitem__, default=None)
    if seconds < SAME_S[0] or (best is not None and likeness[best] >= np.interp(seconds, SAME_S, SAME)):
        return best
    return len(likeness) if len(likeness) < MOST else best


def _weight(voiceprint: Voiceprint) -> float:
    return min(voiceprint.seconds, WEIGHT_S)


def _mean(voice: Voice, mean: Vector, number: int, seconds: float, vector: Vector) -> Voice:
    """Return a voice with another vector in its mean, weighed by its seconds."""
    weight = voice.seconds + seconds
    return Voice(number=number, seconds=weight, mean=pack(mean * voice.seconds + vector * seconds))
