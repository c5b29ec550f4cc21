"""Talk in turns of ``make bench-live``: its shape, and the figures of sentences; no system runs."""

from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench import live_speakers
from bench.clips import Clip
from bench.continuous.streams import PAUSES_S
from bench.live_report import report, table, turn_report, turn_table
from bench.live_speakers import SPEECH_SHARE, Speaker
from bench.live_turns import TURN_S, Talk, TurnSpeaker, clips_of, make_talk, make_talks, plan_turns
from tests.support.speakers import final
from tests.support.voices import find_tone, voiced_clip
from wire.audio import SAMPLE_RATE
from wire.messages.results import Final

STARTED_AT = 1_000.0
"""Unix seconds at which a speaker begins."""


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    """Sixteen sentences of one speaker, 3 to 7 s."""
    return [voiced_clip(tmp_path, f"{number}", 3 + number / 4, text=f"sentence {number}") for number in range(16)]


@pytest.fixture
def talk(clips: list[Clip]) -> Talk:
    return make_talk(clips, "ann", find_tone, 150, 1)


def test_turns_have_their_length_and_fill_their_share(talk: Talk) -> None:
    """The pauses within a turn count as part of it."""
    lengths_s = [(end - begin) / SAMPLE_RATE for begin, end in talk.spans]
    assert len(lengths_s) >= 3
    assert all(TURN_S[0] - 1 <= length_s <= TURN_S[1] + 1 for length_s in lengths_s)
    assert talk.share == pytest.approx(SPEECH_SHARE, abs=0.01)
    assert len(talk.stream.audio) >= 150 * SAMPLE_RATE


def test_pauses_are_short_within_a_turn_and_long_between_turns(talk: Talk) -> None:
    sentences = talk.stream.sentences
    first_of_turn = {begin for begin, _ in talk.spans}
    for one, other in pairwise(sentences):
        pause_s = (other.begin - one.end) / SAMPLE_RATE
        if other.begin in first_of_turn:
            assert pause_s > TURN_S[0] * (1 / SPEECH_SHARE - 1) - 1
        else:
            assert PAUSES_S[0] - 1e-3 <= pause_s <= PAUSES_S[1] + 1e-3


def test_sentences_of_a_talk_lie_where_it_says(talk: Talk) -> None:
    """Sample for sample, in the order of the clips of all turns."""
    said = [clip for turn in talk.turns for clip in turn]
    for sentence, clip in zip(talk.stream.sentences, said, strict=True):
        audio = clip.audio()
        begin, end = find_tone(audio)[0]
        assert np.array_equal(talk.stream.audio[sentence.begin : sentence.end], audio[begin:end])
        assert sentence.text == clip.text


def test_talk_is_the_same_for_the_same_seed(clips: list[Clip]) -> None:
    one, same, other = (make_talk(clips, "ann", find_tone, 60, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.stream.audio, same.stream.audio)
    assert one.turns == same.turns
    assert one.spans[0][0] != other.spans[0][0]


def test_few_speakers_serve_many_talkers(clips: list[Clip]) -> None:
    """Each talker has one speaker; those with the same one begin with other clips."""
    others = [Clip(clip.file, "en", clip.text, clip.seconds, "bob") for clip in clips]
    talks = make_talks(plan_turns(clips + others, "en"), find_tone, 4, 20)
    assert len({talk.stream.speaker for talk in talks[:2]}) == 2
    assert talks[0].stream.speaker == talks[2].stream.speaker
    assert talks[0].turns[0][0].text != talks[2].turns[0][0].text
    said_clips = [clip for each in talks for turn in each.turns for clip in turn]
    assert set(clips_of(talks)) == set(said_clips)
    assert len(clips_of(talks)) < len(said_clips)


def test_speakers_with_too_few_clips_share_a_plan(clips: list[Clip]) -> None:
    """As with the clips of the repository."""
    few = [clips[0], Clip(clips[1].file, "en", "one", 3.0, "bob"), Clip(clips[2].file, "de", "eins", 3.0, "uli")]
    (plan,) = plan_turns(few, "en")
    assert plan.speaker == "ann + bob"
    assert len(make_talks([plan], find_tone, 1, 10)[0].turns[0]) > 2


def said(begin_s: float, end_s: float, text: str, segment: int) -> Final:
    return final(segment, text=text).model_copy(
        update={"start_ms": round(begin_s * 1000), "end_ms": round(end_s * 1000)}
    )


def speaker_with(monkeypatch: pytest.MonkeyPatch, talk: Talk, finals: list[tuple[Final, float]]) -> TurnSpeaker:
    """Bring finals, each at a time of the stream."""
    speaker = TurnSpeaker(talk=talk, started_at=STARTED_AT)
    for message, at_s in finals:
        monkeypatch.setattr(live_speakers, "now", partial(float, STARTED_AT + at_s))
        speaker.on_message(message)
    return speaker


@pytest.fixture
def short_talk(clips: list[Clip]) -> Talk:
    """One turn."""
    return make_talk(clips, "ann", find_tone, 1, 3)


def test_latency_of_a_sentence_is_until_the_final_that_holds_its_end(
    monkeypatch: pytest.MonkeyPatch, short_talk: Talk
) -> None:
    """A first final holds all of the first sentence and a part of the second; the next one holds the rest."""
    ends_s = [each.end / SAMPLE_RATE for each in short_talk.stream.sentences]
    begins_s = [each.begin / SAMPLE_RATE for each in short_talk.stream.sentences]
    cut_s = begins_s[1] + 1
    finals = [
        (said(begins_s[0] - 0.1, cut_s, "one", 0), cut_s + 0.5),
        (said(cut_s, ends_s[-1] + 0.3, "two", 1), ends_s[-1] + 0.7),
    ]
    speaker = speaker_with(monkeypatch, short_talk, finals)
    found = speaker.sentence_latencies_s()
    assert found[0] == pytest.approx(cut_s + 0.5 - ends_s[0], abs=2e-3)
    assert found[1:] == pytest.approx([ends_s[-1] + 0.7 - end_s for end_s in ends_s[1:]], abs=2e-3)
    assert speaker.finals_per_sentence() == [1, 2] + [1] * (len(ends_s) - 2)
    assert speaker.latencies_s == pytest.approx([0.5, 0.7], abs=2e-3)


def test_a_sentence_without_a_final_is_counted(monkeypatch: pytest.MonkeyPatch, short_talk: Talk) -> None:
    """It has no latency, so that the others' would look better than they are."""
    sentences = short_talk.stream.sentences
    end_s = sentences[0].end / SAMPLE_RATE
    message = said(sentences[0].begin / SAMPLE_RATE, end_s + 0.1, "sentence zero", 0)
    speaker = speaker_with(monkeypatch, short_talk, [(message, end_s + 0.6)])
    offline = {clip.file: clip.text for clip in short_talk.turns[0]}
    found = turn_report([speaker], "en", 0.5, offline)
    assert found["sentences_without_final"] == len(sentences) - 1
    assert (found["sentence_p50_s"], found["sentence_p95_s"]) == (pytest.approx(0.6, abs=2e-3),) * 2
    assert (found["pauses"], found["turns"], found["sentences"]) == ("short", 1, len(sentences))
    assert found["wer_offline"] == 0.0
    assert turn_table([found], "en").row_count == 1


def test_errors_of_turns_are_over_whole_turns(monkeypatch: pytest.MonkeyPatch, talk: Talk) -> None:
    """Each final belongs to the turn in which it was spoken, also where it begins in the middle of that."""
    finals = [
        (said(sentence.begin / SAMPLE_RATE, sentence.end / SAMPLE_RATE, sentence.text, number), 900.0)
        for number, sentence in enumerate(talk.stream.sentences)
    ]
    speaker = speaker_with(monkeypatch, talk, finals)
    assert speaker.hypotheses() == speaker.references()
    assert len(speaker.references()) == len(talk.turns)
    assert turn_report([speaker], "en", 0.5, {clip.file: "" for turn in talk.turns for clip in turn})["wer"] == 0.0


def test_figures_of_single_sentences_say_their_mode() -> None:
    """The other figures are those of before."""
    clip = Clip(Path("a.wav"), "en", "Good morning everybody.", 2.0)
    speaker = Speaker(clips=[(0.0, 2.0, clip)], started_at=STARTED_AT)
    speaker.on_message(final(0))
    found = report([speaker], "en", 0.5, {clip.file: "good morning"})
    assert (found["pauses"], found["wer"], found["utterances"]) == ("long", 0.0, 1)
    assert found["wer_offline"] == pytest.approx(1 / 3, abs=1e-4)
    assert table([found], "en").row_count == 1
