"""Talkers who speak in turns: sentences of one speaker at short pauses, then silence while others speak."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf
from pathlib import Path

import numpy as np

from bench.clips import Clip
from bench.continuous.coverage import finals_of, last_final
from bench.continuous.plans import Plan, sentences
from bench.continuous.streams import SEPARATOR, FindVoice, Sentence, Span, Stream, join
from bench.live_speakers import SPEECH_SHARE, Speaker, quiet
from wire.audio import SAMPLE_RATE, Samples, ms_to_samples
from wire.messages.results import Final

TURN_S = (20.0, 40.0)
"""Shortest and longest turn, pauses within it included; about, since it ends with a clip."""


@dataclass(frozen=True)
class Talk:
    """All that one talker says."""

    stream: Stream
    """Its sentences are those of all turns, in order."""
    turns: tuple[tuple[Clip, ...], ...]
    """The clips of each turn, one for each sentence."""

    @property
    def spans(self) -> list[Span]:
        """Return the first sample of each turn's voice, and the one after the last."""
        borders = pairwise(accumulate((len(clips) for clips in self.turns), initial=0))
        each = self.stream.sentences
        return [(each[first].begin, each[last - 1].end) for first, last in borders]

    @property
    def share(self) -> float:
        """Return the share of the time in turns, 0–1."""
        return sum(end - begin for begin, end in self.spans) / len(self.stream.audio)


def plan_turns(clips: Sequence[Clip], language: str) -> list[Plan]:
    """Return the clips of each speaker who has half a minute of them; the other speakers' together.

    Args:
        clips: at least one of the language.
        language: of the plans.
    """
    spoken = tuple(clip for clip in clips if clip.language == language)
    names = SEPARATOR.join(dict.fromkeys(clip.speaker for clip in spoken))
    return sentences(clips, language, inf) or [Plan(names, spoken)]


def make_talks(plans: Sequence[Plan], find_voice: FindVoice, count: int, seconds: float) -> list[Talk]:
    """Return what so many talkers say, each of at least ``seconds``; the same for the same arguments.

    With fewer plans than talkers, a plan serves several, who begin with other clips of it.
    """
    talks = []
    for number in range(count):
        plan, first = plans[number % len(plans)], number // len(plans) * 3
        clips = [plan.clips[(first + each) % len(plan.clips)] for each in range(len(plan.clips))]
        talks.append(make_talk(clips, plan.speaker, find_voice, seconds, number))
    return talks


def make_talk(clips: Sequence[Clip], speaker: str, find_voice: FindVoice, seconds: float, seed: int) -> Talk:
    """Join clips into turns, which fill ``SPEECH_SHARE`` of the time; the same seed gives the same talk.

    Talkers of different seeds do not begin at once: a part of the last silence comes first.

    Args:
        clips: of one language, at least one; they are said again from the first one on when there are no more.
        speaker: name of the talker.
        find_voice: finds the voice in each clip.
        seconds: length of the talk; the turn that has begun then is the last.
        seed: of the lengths of turns and silence.
    """
    random = np.random.default_rng(seed)
    turns, parts, said, voice = list[tuple[Clip, ...]](), list[Samples](), list[Sentence](), list[Span]()
    position = number = moved = 0
    while position < seconds * SAMPLE_RATE:
        turn = _turn(clips, number, random.uniform(*TURN_S))
        number += len(turn)
        joined = join(turn, speaker, find_voice, int(random.integers(2**31)))
        length = joined.sentences[-1].end - joined.sentences[0].begin
        silence = max(0, round(length / SPEECH_SHARE) - len(joined.audio))
        if not turns:
            moved = int(random.integers(silence + 1))
            parts.append(quiet(moved / SAMPLE_RATE, random))
            position = moved
        said += [Sentence(each.text, position + each.begin, position + each.end) for each in joined.sentences]
        voice += [(position + begin, position + end) for begin, end in joined.voice]
        parts += [joined.audio, quiet(silence / SAMPLE_RATE, random)]
        position += len(joined.audio) + silence
        turns.append(turn)
    parts[-1] = parts[-1][min(moved, len(parts[-1])) :]
    stream = Stream(clips[0].language, speaker, np.concatenate(parts), tuple(said), tuple(voice))
    return Talk(stream, tuple(turns))


def clips_of(talks: Sequence[Talk]) -> list[Clip]:
    """Return all clips that talkers say, each once."""
    return list(dict.fromkeys(clip for talk in talks for turn in talk.turns for clip in turn))


def _turn(clips: Sequence[Clip], number: int, longest_s: float) -> tuple[Clip, ...]:
    """Return the clips of a turn, from the one of that number on; they begin again when there are no more."""
    chosen, seconds = list[Clip](), 0.0
    while True:
        clip = clips[(number + len(chosen)) % len(clips)]
        if seconds >= TURN_S[0] and seconds + clip.seconds > longest_s:
            return tuple(chosen)
        chosen.append(clip)
        seconds += clip.seconds


@dataclass(frozen=True)
class _Arrived:
    """A final in the stream; ``begin`` and ``end`` are samples."""

    begin: int
    end: int
    at_s: float
    """Unix seconds at which it came."""


@dataclass(kw_only=True)
class TurnSpeaker(Speaker):
    """One session of a talker who speaks in turns."""

    talk: Talk

    @property
    def spans(self) -> list[tuple[float, float]]:
        """Return start and end (s) of each turn."""
        return [(begin / SAMPLE_RATE, end / SAMPLE_RATE) for begin, end in self.talk.spans]

    def references(self) -> list[str]:
        """Return the reference of each turn."""
        return [" ".join(clip.text for clip in turn) for turn in self.talk.turns]

    def file_texts(self, texts: Mapping[Path, str]) -> list[str]:
        """Return the texts of each turn's clips as files."""
        return [" ".join(texts[clip.file] for clip in turn) for turn in self.talk.turns]

    def sentence_latencies_s(self) -> list[float]:
        """Return the time from the end of each sentence to its final, for each sentence with a final.

        It is the first final behind which nothing of the sentence is left: later than the sentence's own end of speech
        where an utterance goes on with the next one.
        """
        finals = self._arrived()
        found = [(each, last_final(each, finals)) for each in self.talk.stream.sentences]
        return [final.at_s - self.started_at - each.end / SAMPLE_RATE for each, final in found if final is not None]

    def finals_per_sentence(self) -> list[int]:
        """Return for each sentence the number of finals that hold a part of it."""
        finals, stream = self._arrived(), self.talk.stream
        return [len(finals_of(each, stream, finals)) for each in stream.sentences]

    def _arrived(self) -> list[_Arrived]:
        return [
            _Arrived(ms_to_samples(final.start_ms), ms_to_samples(final.end_ms), at_s)
            for final, at_s in zip(self.finals, self.arrivals_s, strict=True)
        ]

    def _spoken_at(self, final: Final) -> float:
        return self.started_at + self.talk.stream.last_voice(ms_to_samples(final.end_ms)) / SAMPLE_RATE
