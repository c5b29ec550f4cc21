"""The streams of a run: by language, kind and noise; each is made when it is needed, always the same."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.clips import Clip
from bench.continuous.mixing import Noise, Noises, in_room, with_noise
from bench.continuous.plans import RECORDING_S, Plan, recordings, sentences
from bench.continuous.room import PAUSES_S
from bench.continuous.streams import FindVoice, Stream, join, whole

ROOM_SENTENCES = 6
"""Most sentences of one speaker in one room."""


class Kind(StrEnum):
    """A kind of stream."""

    JOINED = "joined"
    RECORDING = "recordings"
    ROOM = "room"


class Condition(StrEnum):
    """A part of the run: joined clips and recordings without noise or with one, or sentences in loud rooms."""

    CLEAN = "clean"
    FAN = "fan"
    BABBLE = "babble"
    MUSIC = "music"
    ROOM = "room"


@dataclass(frozen=True)
class Case:
    """One stream."""

    kind: Kind
    noise: Noise | None
    plan: Plan

    @property
    def condition(self) -> str:
        """Return the name of the noise, or ``clean``."""
        return self.noise or Condition.CLEAN


@dataclass(frozen=True)
class Studio:
    """Plans and makes streams."""

    clips: Sequence[Clip]
    find_voice: FindVoice

    def cases(self, language: str, conditions: Sequence[Condition], speakers: int | None, minutes: float) -> list[Case]:
        """Plan the streams of a language.

        Args:
            language: of all streams.
            conditions: parts of the run.
            speakers: at most this many streams of each kind and noise; None: all.
            minutes: of clips, at most, in each joined stream.
        """
        joined = sentences(self.clips, language, minutes)[:speakers]
        planned = [(Kind.JOINED, plan) for plan in joined]
        planned += [(Kind.RECORDING, plan) for plan in recordings(self.clips, language)[:speakers]]
        found = []
        for condition in conditions:
            if condition is Condition.ROOM:
                found += [Case(Kind.ROOM, noise, plan) for noise in Noise for plan in joined]
            else:
                noise = None if condition is Condition.CLEAN else Noise(condition.value)
                found += [Case(kind, noise, plan) for kind, plan in planned]
        return found

    def make(self, case: Case) -> Stream:
        """Make a stream."""
        plan, seed = case.plan, zlib.crc32(case.plan.speaker.encode())
        if case.kind is Kind.ROOM:
            stream = join(plan.clips[:ROOM_SENTENCES], plan.speaker, self.find_voice, seed, PAUSES_S)
        elif plan.clips[0].seconds >= RECORDING_S:
            stream = whole(plan.clips[0], self.find_voice)
        else:
            stream = join(plan.clips, plan.speaker, self.find_voice, seed)
        if case.noise is None:
            return stream
        noise = Noises(self.clips).of(case.noise, stream, seed)
        return in_room(stream, noise) if case.kind is Kind.ROOM else with_noise(stream, noise)


def clip_languages(clips: Sequence[Clip]) -> list[str]:
    """Return the languages of the clips that have a text, in alphabetical order."""
    return sorted({clip.language for clip in clips if clip.text})
