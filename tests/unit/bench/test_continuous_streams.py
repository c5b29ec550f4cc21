"""Streams of ``make bench-continuous``: joined at short pauses, with the places of their sentences, always the same."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench.clips import Clip
from bench.continuous.plans import ALONE_S, recordings, sentences
from bench.continuous.streams import LEAD_S, MARGIN_S, PAUSES_S, TAIL_S, join, whole
from tests.support.voices import find_tone, voiced_clip
from wire.audio import SAMPLE_RATE, Samples


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    return [voiced_clip(tmp_path, f"{number}", 1 + number / 4, text=f"sentence {number}") for number in range(12)]


def test_pauses_between_voices_are_in_their_range(clips: list[Clip]) -> None:
    """From voice to voice, whatever silence the clips have at their ends; they differ."""
    stream = join(clips, "ann", find_tone, 1)
    pauses = [(other.begin - one.end) / SAMPLE_RATE for one, other in pairwise(stream.sentences)]
    assert len(pauses) == 11
    assert all(PAUSES_S[0] - 1e-3 <= pause <= PAUSES_S[1] + 1e-3 for pause in pauses)
    assert np.ptp(pauses) > 0.2


def test_the_same_seed_gives_the_same_stream(clips: list[Clip]) -> None:
    one, same, other = (join(clips, "ann", find_tone, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.audio, same.audio)
    assert one.sentences == same.sentences
    assert one.sentences != other.sentences


def test_sentences_lie_where_the_stream_says(clips: list[Clip]) -> None:
    """Sample for sample, and there is hardly a sound between them."""
    stream = join(clips, "ann", find_tone, 3)
    between = np.ones(len(stream.audio), dtype=bool)
    for sentence, clip in zip(stream.sentences, clips, strict=True):
        audio = clip.audio()
        begin, end = find_tone(audio)[0]
        assert np.array_equal(stream.audio[sentence.begin : sentence.end], audio[begin:end])
        assert sentence.text == clip.text
        between[sentence.begin : sentence.end] = False
    assert np.abs(stream.audio[between]).max() < 0.01
    assert stream.text.startswith("sentence 0 sentence 1")


def test_a_stream_is_as_long_as_its_parts(clips: list[Clip]) -> None:
    """Quiet before the first voice, pauses, and quiet behind the last."""
    stream = join(clips, "ann", find_tone, 4)
    first, last = stream.sentences[0], stream.sentences[-1]
    assert first.begin == pytest.approx(LEAD_S * SAMPLE_RATE, abs=2)
    assert len(stream.audio) == pytest.approx(last.end + (MARGIN_S + TAIL_S) * SAMPLE_RATE, abs=2)
    assert stream.speech_s == pytest.approx(sum(end - begin for begin, end in stream.voice) / SAMPLE_RATE)


def test_other_pauses_can_be_chosen(clips: list[Clip]) -> None:
    stream = join(clips[:3], "ann", find_tone, 5, (3.0, 3.0))
    for one, other in pairwise(stream.sentences):
        assert other.begin - one.end == pytest.approx(3 * SAMPLE_RATE, abs=2)


def test_a_clip_without_voice_counts_as_voice(tmp_path: Path) -> None:
    """What Silero does not find in a clip with a text is quiet speech."""

    def nothing(_: Samples) -> list[tuple[int, int]]:
        return []

    clip = voiced_clip(tmp_path, "quiet", 2)
    stream = join([clip], "ann", nothing, 0)
    assert stream.speech_s == pytest.approx(clip.seconds)


def test_a_recording_stays_as_it_is(clips: list[Clip]) -> None:
    stream = whole(clips[8], find_tone)
    audio, lead = clips[8].audio(), round(LEAD_S * SAMPLE_RATE)
    assert np.array_equal(stream.audio[lead : lead + len(audio)], audio)
    begin, end = find_tone(audio)[0]
    assert (stream.sentences[0].begin, stream.sentences[0].end) == (lead + begin, lead + end)


@pytest.mark.parametrize(("position", "expected"), [(50, 50), (120, 120), (250, 200), (350, 350), (900, 400)])
def test_the_last_voice_before_a_position(clips: list[Clip], position: int, expected: int) -> None:
    """The position itself within a voice, or before any; else the end of the one before."""
    stream = replace(join(clips[:1], "ann", find_tone, 0), voice=((100, 200), (300, 400)))
    assert stream.last_voice(position) == expected


def clip(speaker: str, seconds: float, language: str = "en", text: str = "words") -> Clip:
    return Clip(Path(f"{speaker}-{seconds}.wav"), language, text, seconds, speaker)


def test_speakers_with_enough_clips_have_streams_of_their_own() -> None:
    """Those with most speech first; the others are together until a minute."""
    clips = [clip("ann", 10)] * 4 + [clip("bob", 12)] * 5 + [clip(f"few-{number}", 9) for number in range(15)]
    plans = sentences(clips, "en", 3)
    assert [plan.speaker for plan in plans[:2]] == ["bob", "ann"]
    together = plans[2:]
    assert [len(plan.clips) for plan in together] == [7, 8]  # 63 s; the last 9 s join them
    assert together[0].speaker.split(" + ")[0] == "few-0"


def test_streams_have_no_more_than_the_minutes() -> None:
    """Clips in their order; a short run has short streams."""
    clips = [clip("ann", 10)] * 30 + [clip(f"few-{number}", 8) for number in range(8)]
    for minutes in (0.5, 1, 3):
        plans = sentences(clips, "en", minutes)
        assert plans
        assert all(sum(each.seconds for each in plan.clips) <= minutes * 60 for plan in plans)


def test_plans_have_one_language_and_no_recordings_without_text() -> None:
    """Too little speech of a language gives none; long recordings have plans of their own."""
    clips = [clip("ann", 20), clip("ann", 20), clip("ann", 40), clip("uli", 20, "de"), clip("x", 50, text="")]
    assert [len(plan.clips) for plan in sentences(clips, "en", 3)] == [2]
    assert sentences(clips, "de", 3) == []
    assert ALONE_S > 20
    assert [plan.clips[0].seconds for plan in recordings(clips, "en")] == [40]
    assert recordings(clips, "de") == []
