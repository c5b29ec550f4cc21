"""Subtitles can be read: in order of time, one cue at a time, at most 7 s and two lines, cut between words."""

import re
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from fastapi_service.export.cues import MAX_LATE_MS
from fastapi_service.export.entries import Speakers
from fastapi_service.export.formats import FORMATS, File
from fastapi_service.export.sentences import Sentences
from tests.support.speakers import ALICE, BOB, final, sentiment
from wire.messages.base import Clock
from wire.messages.results import Final, Sentiment
from wire.messages.transcript import Word

ENGLISH = (
    "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country. "
    "My fellow citizens of the world, ask not what America will do for you, but what together we can do for the "
    "freedom of man."
)
KOREAN = "오늘 아침에는 날씨가 아주 좋아서 친구들과 함께 한강 공원까지 걸어가서 점심을 먹고 이야기를 오래 나누었습니다."
JAPANESE = (
    "今日は天気がとてもよかったので、友達と一緒に公園まで歩いて行って、昼ごはんを食べてから、夜遅くに家に帰りました。"
)
CHINESE = "今天早上天气非常好，所以我和朋友们一起走到公园，吃了午饭，聊了很长时间的天，一直到晚上很晚才回到家里。"
THAI = "วันนี้อากาศดีมากเราจึงเดินไปสวนสาธารณะกับเพื่อนและกินข้าวกลางวันด้วยกันแล้วกลับบ้านตอนดึก"
GERMAN = "Die Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetzgebung wurde aufgehoben, " * 2
EMOJI = "🙂" * 60
TEXTS = [ENGLISH, KOREAN, JAPANESE, CHINESE, THAI, GERMAN.strip(), EMOJI]
UNEQUAL = sentiment("neutral", 0.4).model_copy(update={"unsure": True, "zero_shot": True})


class Shown(NamedTuple):
    """A cue as a library reads it; times in seconds."""

    start: float
    end: float
    lines: list[str]


def spoken(
    text: str,
    start_ms: int,
    end_ms: int,
    session: str = ALICE,
    *,
    words: Sequence[Word] = (),
    mood: Sentiment | None = None,
) -> Final:
    """An utterance; the audio clocks of all sessions began at the same moment."""
    moment = 1_000 + end_ms / 1000
    return final(0, session, text=text, mood=mood).model_copy(
        update={
            "start_ms": start_ms,
            "end_ms": end_ms,
            "words": tuple(words),
            "clock": Clock(speech_end=moment, endpointed=moment),
        }
    )


def timed(text: str, start_ms: int, word_ms: int, pause_ms: int = 0) -> list[Word]:
    """The words of a text, one after the other."""
    words = re.findall(r"\s?\S+", text)
    step = word_ms + pause_ms
    return [
        Word(text=word, start_ms=start_ms + n * step, end_ms=start_ms + n * step + word_ms, probability=1)
        for n, word in enumerate(words)
    ]


def write(name: str, said: Sequence[Final]) -> str:
    speakers, sentences = Speakers(), Sentences()
    for end in said:
        speakers.note(end)
        sentences.note(end)
    file = File(FORMATS[name], speakers.by_session(), sentences)
    return file.head() + "".join(file.entries([end]) for end in said) + file.tail()


def vtt(said: Sequence[Final]) -> list[Shown]:
    cues = webvtt.from_string(write("vtt", said)).captions
    return [Shown(_moment(cue.start), _moment(cue.end), cue.text.split("\n")) for cue in cues]


def _moment(time: str) -> float:
    hours, minutes, seconds = time.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def subrip(said: Sequence[Final]) -> list[Shown]:
    cues = srt.parse(write("srt", said))
    return [Shown(_seconds(cue.start), _seconds(cue.end), cue.content.split("\n")) for cue in cues]


def _seconds(time: timedelta) -> float:
    return time.total_seconds()


def assert_readable(cues: list[Shown]) -> None:
    """In order of time, one at a time, at most 7 s and two lines of 42 columns."""
    assert cues
    for cue, following in pairwise(cues):
        assert cue.end <= following.start
    for cue in cues:
        assert 0 < cue.end - cue.start <= 7 + 1e-9
        assert 1 <= len(cue.lines) <= 2
        assert all(0 < wcswidth(line) <= 42 for line in cue.lines)


def letters(text: str) -> str:
    return "".join(text.split())


def said_in(cues: list[Shown]) -> str:
    return letters("".join(line for cue in cues for line in cue.lines))


def test_a_short_sentence_within_a_long_one_comes_at_its_time() -> None:
    """Two people talk at once; the long utterance ends, and is stored, last or first."""
    long = spoken(ENGLISH, 196, 12_996)
    short = spoken("Just a moment, please.", 3_690, 5_190, BOB)
    for said in ([short, long], [long, short]):
        for cues in (vtt(said), subrip(said)):
            assert_readable(cues)
            assert cues[0].start == 0.196
            (moment,) = (cue for cue in cues if "Just a moment, please." in " ".join(cue.lines))
            assert 3.69 <= moment.start <= 4.69


@pytest.mark.parametrize("with_words", [True, False], ids=["word-times", "no-word-times"])
@pytest.mark.parametrize("text", TEXTS, ids=["en", "ko", "ja", "zh", "th", "de", "emoji"])
def test_long_utterances_are_cut(text: str, with_words: bool) -> None:
    """In every script, alone or in a room, with or without a label: all of the text, in lines that fit."""
    words = timed(text, 1_000, 12_800 // len(text.split())) if with_words else []
    for mood in (None, UNEQUAL):
        alone = [spoken(text, 1_000, 13_800, words=words, mood=mood)]
        room = [*alone, spoken("Yes.", 20_000, 21_000, BOB)]
        for said in (alone, room):
            for cues in (vtt(said), subrip(said)):
                assert_readable(cues)
                assert len(cues) > len(said)
        assert said_in(vtt(alone)) == letters(text)


def test_cuts_are_at_the_times_of_the_words() -> None:
    """A cue begins with its first word and ends with its last one, also where somebody pauses in between."""
    text = "one two three four five six seven eight nine ten"
    words = timed(text, 500, 400, pause_ms=1_200)
    cues = vtt([spoken(text, 500, words[-1].end_ms, words=words)])
    assert_readable(cues)
    starts = {word.start_ms / 1000: word.text.strip() for word in words}
    ends = {word.end_ms / 1000: word.text.strip() for word in words}
    assert len(cues) == 3
    for cue in cues:
        shown = " ".join(cue.lines).split()
        assert starts[cue.start] == shown[0]
        assert ends[cue.end] == shown[-1]


@pytest.mark.parametrize("text", [ENGLISH, KOREAN])
def test_no_word_is_cut(text: str) -> None:
    """Lines and cues break where there is a space."""
    cues = vtt([spoken(text, 0, 12_800)])
    assert [word for cue in cues for line in cue.lines for word in line.split()] == text.split()


def test_no_line_of_japanese_begins_with_punctuation() -> None:
    cues = vtt([spoken(JAPANESE, 0, 12_800)])
    assert not any(line.startswith(("、", "。")) for cue in cues for line in cue.lines)


def test_words_of_languages_without_spaces_are_whole() -> None:
    """If the engine says what the words are."""
    parts = ["วันนี้", "อากาศ", "ดี", "มาก", "เรา", "จึง", "เดิน", "ไป", "สวนสาธารณะ", "กับ", "เพื่อน", "และ", "กิน", "ข้าว"]
    words = [Word(text=w, start_ms=n * 500, end_ms=n * 500 + 500, probability=1) for n, w in enumerate(parts)]
    cues = vtt([spoken("".join(parts), 0, 7_000, words=words)])
    assert_readable(cues)
    joined = {"".join(parts[i:j]) for i in range(len(parts)) for j in range(i + 1, len(parts) + 1)}
    assert {line for cue in cues for line in cue.lines} <= joined


def test_words_that_are_not_those_of_the_text_do_not_change_it() -> None:
    """Their times are not used either."""
    words = timed("something else", 0, 500)
    cues = vtt([spoken("Good morning.", 2_000, 3_000, words=words)])
    assert cues == [Shown(2.0, 3.0, ["Good morning."])]


DEGENERATE = {
    "all at once": [(5_000, 5_000)] * 60,
    "all over the utterance": [(1_000, 13_800)] * 60,
    "all at the start": [(1_000 + n, 1_001 + n) for n in range(60)],
    "at the end, after the first one": [(1_000, 1_300), *[(13_700 + n, 13_701 + n) for n in range(60)]],
    "backwards": [(13_000 - 200 * n, 13_200 - 200 * n) for n in range(60)],
    "each backwards": [(1_400 + 200 * n, 1_200 + 200 * n) for n in range(60)],
    "before the utterance": [(n, n + 1) for n in range(60)],
    "long after the utterance": [(60_000 + 500 * n, 60_400 + 500 * n) for n in range(60)],
    "half of them at once": [(1_000 + 200 * min(n, 20), 1_200 + 200 * min(n, 20)) for n in range(60)],
}


def at(text: str, times: Sequence[tuple[int, int]]) -> list[Word]:
    words = re.findall(r"\s?\S+", text)
    return [Word(text=word, start_ms=a, end_ms=b, probability=1) for word, (a, b) in zip(words, times, strict=False)]


@pytest.mark.parametrize("text", [ENGLISH, GERMAN.strip()], ids=["en", "de"])
@pytest.mark.parametrize("times", DEGENERATE.values(), ids=DEGENERATE)
def test_times_of_words_that_cannot_be_are_not_used(text: str, times: Sequence[tuple[int, int]]) -> None:
    """An engine may find no times: each cue is there for a second still, within the utterance."""
    said = [spoken(text, 1_000, 13_800, words=at(text, times))]
    for cues in (vtt(said), subrip(said)):
        assert_readable(cues)
        assert min(cue.end - cue.start for cue in cues) >= 1
        assert (cues[0].start, cues[-1].end <= 13.8) == (1, True)
        assert said_in(cues) == letters(text)


def test_times_of_words_may_lead_a_little_out_of_the_utterance() -> None:
    """An engine's last word ends in the silence after it; all others keep their times."""
    text = "one two three four five six seven eight nine ten"
    words = timed(text, 500, 400, pause_ms=1_200)
    ends_ms = words[-1].end_ms - 300
    cues = vtt([spoken(text, 500, ends_ms, words=words)])
    starts = {word.start_ms / 1000 for word in words}
    assert len(cues) == 3
    assert all(cue.start in starts for cue in cues)
    assert cues[-1].end == ends_ms / 1000


def test_a_sentence_of_one_word_that_lasts_is_shown_for_seven_seconds() -> None:
    assert vtt([spoken("Goal!", 1_000, 13_000)]) == [Shown(1.0, 8.0, ["Goal!"])]


def test_name_and_label_are_within_the_lines() -> None:
    """Each cue has the name, the last one of an utterance the label."""
    said = [spoken(ENGLISH, 0, 12_800, mood=UNEQUAL), spoken("Yes.", 20_000, 21_000, BOB)]
    *texts, last = [" ".join(cue.lines) for cue in subrip(said)]
    assert all(text.startswith("Speaker 1: ") for text in texts)
    assert [text.endswith("man. [neutral, unsure, zero-shot]") for text in texts] == [False] * (len(texts) - 1) + [True]
    assert last == "Speaker 2: Yes."


def test_everybody_at_once_is_shown_one_after_the_other() -> None:
    """For a second each, if nobody leaves more; a short answer as long as it was."""
    said = [spoken(f"Person {n}.", 1_000, 3_000, session=f"{n:032x}") for n in range(4)]
    cues = vtt([*said, spoken("Yes.", 1_000, 1_400, session="f" * 32)])
    assert [(cue.start, round(cue.end, 3)) for cue in cues] == [(1, 2), (2, 3), (3, 4), (4, 5), (5, 5.4)]


def answers(count: int, every_ms: int, length_ms: int, people: int, text: str) -> list[Final]:
    """Short utterances of many people in turn; each has its number in it."""
    return [
        spoken(text.format(n), n * every_ms, n * every_ms + length_ms, session=f"{n % people:032x}")
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("every_ms", "length_ms"), [(250, 500), (300, 600), (400, 1_500), (600, 900), (120, 300), (50, 2_000)]
)
@pytest.mark.parametrize("people", [2, 6, 30])
@pytest.mark.parametrize("text", ["Yes, {}.", "네, {}번.", "はい、{}。"])
def test_short_answers_of_many_are_shown_when_they_are_said(
    every_ms: int, length_ms: int, people: int, text: str
) -> None:
    """However many overlap, for as long as they go on: none begins much more than a second late, or early."""
    said = answers(200, every_ms, length_ms, people, text)
    for cues in (vtt(said), subrip(said)):
        assert_readable(cues)
        assert [int(n) for cue in cues for line in cue.lines for n in re.findall(r"(\d+)\D*$", line)] == [*range(200)]
        for cue in cues:
            for line in cue.lines:
                number = int(re.findall(r"(\d+)\D*$", line)[0])
                assert 0 <= cue.start - number * every_ms / 1000 <= MAX_LATE_MS / 1000 + 0.001


@pytest.mark.parametrize("every_ms", [250, 300, 400, 500])
def test_short_answers_of_many_can_be_read(every_ms: int) -> None:
    """Two share a cue rather than that each is gone at once."""
    cues = vtt(answers(200, every_ms, 600, 6, "Yes, {}."))
    assert min(cue.end - cue.start for cue in cues) >= 0.45
    assert any(len(cue.lines) == 2 for cue in cues)


@pytest.mark.parametrize("people", [3, 5, 12])
def test_a_chorus_does_not_hold_back_what_is_said_after_it(people: int) -> None:
    """All answer at once, and one goes on a little later."""
    chorus = [spoken(f"Yes, {n}.", 1_000, 1_600, session=f"{n:032x}") for n in range(people)]
    cues = vtt([*chorus, spoken("Then let us begin.", 2_000, 4_000, session="f" * 32)])
    assert_readable(cues)
    assert cues[-1].start <= 2 + MAX_LATE_MS / 1000 + 0.001
    assert said_in(cues) == letters("".join(f"Yes, {n}." for n in range(people)) + "Then let us begin.")


def test_long_utterances_of_two_who_talk_all_the_time_stay_beside_their_speech() -> None:
    """Cues of two lines are shown for a shorter time instead."""
    said = [spoken(ENGLISH, n * 13_000 + shift, n * 13_000 + shift + 12_800, who)
            for n in range(10) for who, shift in ((ALICE, 0), (BOB, 700))]  # fmt: skip
    cues = vtt(said)
    assert_readable(cues)
    for first, number in zip((cue for cue in cues if cue.lines[0].startswith("And so,")), range(20), strict=True):
        assert 0 <= first.start - said[number].start_ms / 1000 <= MAX_LATE_MS / 1000 + 0.001


def test_voices_and_labels_of_a_shared_cue_are_those_of_each_line() -> None:
    """Whoever said it, however they felt."""
    moods = [sentiment("positive"), None, UNEQUAL]
    said = [spoken(f"I <{n}>", n * 200, n * 200 + 800, session=f"{n:032x}", mood=moods[n % 3]) for n in range(30)]
    written = write("vtt", said)
    shared = re.findall(r"^<v (Speaker \d+)>(.*)</v>\n<v (Speaker \d+)>(.*)</v>$", written, re.MULTILINE)
    assert shared
    for first, one, second, other in shared:
        for speaker, text in ((first, one), (second, other)):
            number = int(speaker.split()[1]) - 1
            mood = ("<c.positive>", "", "<c.neutral.unsure.zero-shot>")[number % 3]
            assert text == f"{mood}I &lt;{number}&gt;{'</c>' if mood else ''}"
    assert " [positive]" in write("srt", said)


MOMENTS = st.integers(0, 60_000)


@given(
    st.lists(
        st.builds(
            lambda text, start, length, session, mood: spoken(text, start, start + length, session, mood=mood),
            st.sampled_from(TEXTS) | st.text(st.sampled_from("aé네日。-> 🙂&<"), min_size=1, max_size=300),
            MOMENTS,
            st.integers(1, 40_000),
            st.sampled_from([ALICE, BOB]),
            st.sampled_from([None, UNEQUAL]),
        ).filter(lambda said: bool(said.text.strip())),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_is_said_can_be_read(said: list[Final]) -> None:
    """By both libraries, with all letters of each text."""
    assert_readable(subrip(said))
    cues = vtt(said)
    plain = "".join(line for cue in cues for line in cue.lines)
    plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert sorted(letters(plain)) == sorted("".join(letters(each.text) for each in said))


TIMES = st.tuples(st.integers(0, 15_000), st.integers(0, 15_000))


@given(
    st.sampled_from([ENGLISH, KOREAN, GERMAN.strip(), "Yes.", "네, 좋아요."]),
    st.lists(TIMES, min_size=60, max_size=60) | st.lists(TIMES.map(sorted), min_size=60, max_size=60).map(sorted)
    | st.lists(st.integers(900, 14_000), min_size=120, max_size=120).map(sorted).map(
        lambda moments: list(zip(moments[::2], moments[1::2], strict=True))
    ),
    st.integers(2_000, 12_800),
)  # fmt: skip
def test_whatever_the_times_of_words_are_each_cue_can_be_read(
    text: str, times: list[tuple[int, int]], length_ms: int
) -> None:
    """For half a second, or for half as long as without them if that is shorter."""
    estimated = vtt([spoken(text, 1_000, 1_000 + length_ms)])
    said = [spoken(text, 1_000, 1_000 + length_ms, words=at(text, times))]
    shortest = min(cue.end - cue.start for cue in estimated)
    for cues in (vtt(said), subrip(said)):
        assert_readable(cues)
        assert min(cue.end - cue.start for cue in cues) >= min(0.5, shortest / 2) - 0.001
        assert said_in(cues) == letters(text)
