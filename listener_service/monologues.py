"""Pure: the longest monologue of each voice of a microphone, also of voices that turn out to be one later.

Any voices may become one, and then their stretches of talk, which were apart, are one. So the longest stretch is kept
for each set of voices that talked one after the other: with n voices at most 2ⁿ − 1, mostly a few.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import BaseModel

from listener_service.talk import TURN_PAUSE_MS
from wire.messages.base import STORED


class _Stretch(NamedTuple):
    """The utterances of a set of voices, one after the other, with pauses of less than ``TURN_PAUSE_MS``."""

    voices: frozenset[int]
    ms: int
    """Its length, or of one that may go on its beginning."""


class Monologues(BaseModel):
    """The longest stretches, and those that may go on."""

    model_config = STORED

    longest: list[_Stretch] = []
    going_on: list[_Stretch] = []
    """All that end with the newest utterance, on the session's audio clock."""
    until_ms: int = 0
    """End of the newest utterance."""

    def add(self, voice: int, start_ms: int, end_ms: int) -> "Monologues":
        """Return them after the next utterance of the session, which begins when the ones before have ended."""
        before = self.going_on if start_ms - self.until_ms < TURN_PAUSE_MS else []
        going_on = {frozenset([voice]): start_ms}
        for voices, begin_ms in before:
            grown = voices | {voice}
            going_on[grown] = min(begin_ms, going_on.get(grown, begin_ms))
        longest = dict(self.longest)
        for voices, begin_ms in going_on.items():
            longest[voices] = max(end_ms - begin_ms, longest.get(voices, 0))
        update = {"longest": _stretches(longest), "going_on": _stretches(going_on), "until_ms": end_ms}
        return self.model_copy(update=update)

    def merged(self, merged: Mapping[int, int]) -> "Monologues":
        """Return them after voices have become one: number → number."""
        longest: dict[frozenset[int], int] = {}
        going_on: dict[frozenset[int], int] = {}
        for voices, ms in self.longest:
            now = frozenset(merged.get(voice, voice) for voice in voices)
            longest[now] = max(ms, longest.get(now, 0))
        for voices, ms in self.going_on:
            now = frozenset(merged.get(voice, voice) for voice in voices)
            going_on[now] = min(ms, going_on.get(now, ms))
        return self.model_copy(update={"longest": _stretches(longest), "going_on": _stretches(going_on)})

    def without(self, voice: int) -> "Monologues":
        """Return those of the other voices."""
        kept = {name: [each for each in getattr(self, name) if voice not in each.voices] for name in _LISTS}
        return self.model_copy(update=kept)

    def of(self, voice: int) -> int:
        """Return the length of a voice's longest monologue, ms."""
        return dict(self.longest).get(frozenset([voice]), 0)


_LISTS = ("longest", "going_on")


def _stretches(ms: Mapping[frozenset[int], int]) -> list[_Stretch]:
    return [_Stretch(voices, each) for voices, each in ms.items()]
