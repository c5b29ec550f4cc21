"""What a person reads."""

import io
import json
from typing import get_args

import pytest
from rich.console import Console

from tests.unit.wta.fake_gateway import final
from wire.messages.base import Speaker
from wire.messages.jobs import NoSpeechReason
from wire.messages.results import Final, Label, NoSpeech, SegmentFailed, Sentiment
from wire.messages.server import AnyServerMessage, Stopped
from wire.messages.statistics import (
    Conversation,
    HopLatency,
    LabelStatistics,
    PersonTalk,
    Statistics,
    VoiceStatistics,
)
from wta.outcome import Outcome, total
from wta.view.script import JsonView
from wta.view.tables import conversation_table, outcomes_table, statistics_table
from wta.view.view import View, clock_time, result_line


def shown(renderable: object) -> str:
    """As on a terminal of 100 columns without colours."""
    console = Console(file=io.StringIO(), width=100)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_sentence_shows_its_sentiment_in_words() -> None:
    """Label and score can be read without seeing colours."""
    probabilities: dict[Label, float] = {"negative": 0.05, "neutral": 0.02, "positive": 0.93}
    sentiment = Sentiment(label="positive", score=0.93, probabilities=probabilities, model="m", language="en")
    line = result_line(final(3, seq=1).model_copy(update={"sentiment": sentiment})).plain
    assert line.split() == ["0:03.0", "positive", "0.93", "en", "utterance", "3"]


def test_an_unsure_label_and_a_language_without_training_are_marked() -> None:
    """An unsure label has no score: it may be the lowest of the three."""
    probabilities: dict[Label, float] = {"negative": 0.41, "neutral": 0.19, "positive": 0.4}
    sentiment = Sentiment(
        label="neutral", score=0.19, probabilities=probabilities, model="m", language="en", unsure=True, zero_shot=True
    )
    line = result_line(final(3, seq=1).model_copy(update={"sentiment": sentiment})).plain
    assert line.split()[1:3] == ["neutral", "unsure*"]


def test_a_sentence_without_sentiment_shows_the_reason() -> None:
    """No made-up label."""
    result = final(0, seq=1).model_copy(update={"sentiment_reason": "Welsh is not known."})
    assert "(no sentiment: Welsh is not known.)" in result_line(result).plain


def test_a_sentence_shows_who_said_it() -> None:
    """If the name is known; control characters cannot rewrite the terminal, and each part of a sentence has it."""
    bob = Speaker(person="b" * 16, name="Bob\x1b[2J", role="agent")
    result = final(3, seq=1).model_copy(update={"speaker": bob})
    assert "Bob [2J: utterance 3" in result_line(result).plain
    assert "Bob [2J: … utterance 3" in result_line(result.continuing(2, 2, "…")).plain
    unnamed = result.model_copy(update={"speaker": bob.model_copy(update={"name": None})})
    assert result_line(unnamed).plain == result_line(final(3, seq=1)).plain


def test_a_sentence_of_several_at_one_microphone_shows_whose_voice_it_is() -> None:
    """By its number, behind the name of the microphone if it has one."""
    result = final(3, seq=1).said_by(2, {})
    assert "  Voice 2: utterance 3" in result_line(result).plain
    bob = Speaker(person="b" * 16, name="Bob", role=None)
    assert "  Bob, voice 2: utterance 3" in result_line(result.model_copy(update={"speaker": bob})).plain
    assert "Voice 2: … utterance 3" in result_line(result.continuing(2, 2, "…")).plain


def test_voices_that_turn_out_to_be_one_are_named_before_the_sentence_that_shows_it() -> None:
    """What stands above stays; a sentence still grows in its line."""
    first, second, third = sentence("Ask not.", "what they", "do.")
    written = on_terminal([first.said_by(1, {}), second.said_by(1, {3: 1, 4: 1}), third.said_by(1, {})])
    lines = [line.replace(ERASED, "").split(maxsplit=1) for line in written.splitlines()]
    assert [line.count(ERASED) for line in written.splitlines()] == [0, 1, 0, 0, 1]
    assert [" ".join(line)[:7] for line in lines] == ["0:00.0 ", "Voice 3", "Voice 4", "0:00.0 ", "0:00.0 "]
    assert "Voice 3 turned out to be voice 1." in written


def test_the_voices_of_a_session_are_a_table() -> None:
    """One row for each, with its figures; none where voices are not distinguished."""
    one = VoiceStatistics(
        session_id="a" * 32,
        voice=1,
        speech_ms=61_250,
        share=0.755,
        words=120,
        words_per_minute=117.6,
        longest_monologue_ms=9_040,
        sentiment={"negative": LabelStatistics(count=2), "positive": LabelStatistics(count=3)},
        trend=-0.254,
    )
    two = one.model_copy(update={"voice": 3, "share": None, "words_per_minute": None, "trend": None})
    session = Statistics(scope="session", trend_window=20, voices=(one, two))
    console = Console(file=io.StringIO(), width=110)
    for known in (session, session.model_copy(update={"voices": None})):
        View(console).end([Outcome(session="1", utterances=1, failures=0, missing=0)], [known])
    assert isinstance(console.file, io.StringIO)
    rows = [line.split() for line in console.file.getvalue().splitlines() if line.strip().startswith("Voice")]
    assert [" ".join(row) for row in rows] == [
        "Voice 1 61.2 s 76% 120 118 9.0 s 2 0 3 -0.25",
        "Voice 3 61.2 s – 120 – 9.0 s 2 0 3 –",
    ]
    assert console.file.getvalue().count("Speakers of the microphone") == 1


def test_the_talk_of_a_room_is_a_table() -> None:
    """One row for each person, by name or else by the beginning of the id; nothing without anybody."""
    talk = PersonTalk(
        person="b" * 16,
        name="김서연",
        role="agent",
        talk_ms=61_250,
        share=0.755,
        words=120,
        words_per_minute=117.6,
        longest_monologue_ms=9_040,
        interruptions=2,
        overlap_ms=840,
    )
    other = {"person": "c" * 16, "name": None, "role": None, "share": None, "words_per_minute": None}
    people = (talk, talk.model_copy(update=other))
    conversation = Conversation(people=people, silence_ms=12_000, overlap_ms=840)
    table = shown(conversation_table(conversation))
    assert "12.0 s of silence, 0.8 s of several at once" in table
    first, second = [line.split() for line in table.splitlines() if line.strip().startswith(("김", "c"))]
    assert first == ["김서연", "agent", "61.2", "s", "76%", "120", "118", "9.0", "s", "2", "0.8", "s"]
    assert second == ["cccccccc", "–", "61.2", "s", "–", "120", "–", "9.0", "s", "2", "0.8", "s"]
    room = Statistics(scope="room", trend_window=20, conversation=conversation)
    console = Console(file=io.StringIO(), width=100)
    outcome = Outcome(session="1", utterances=1, failures=0, missing=0)
    for known in (room, room.model_copy(update={"conversation": conversation.model_copy(update={"people": ()})})):
        View(console).end([outcome], [known])
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().count("Talk in the room") == 1


def test_a_failed_utterance_stands_out() -> None:
    """With what happened and what to do."""
    position = final(0, seq=1).model_dump(include={"session_id", "segment", "start_ms", "end_ms", "clock", "seq"})
    failed = SegmentFailed(**position, code="gave_up", message="It failed.", remedy="Look there.", attempts=3)
    assert "FAILED: It failed. Look there. (gave_up, 3 attempts)" in result_line(failed).plain


def test_an_utterance_without_a_text_shows_why() -> None:
    """Each reason in words of its own: that somebody spoke is not denied."""
    position = final(0, seq=1).model_dump(include={"session_id", "segment", "start_ms", "end_ms", "clock", "seq"})
    reasons: tuple[NoSpeechReason, ...] = get_args(NoSpeechReason)
    lines = {reason: result_line(NoSpeech(**position, reason=reason)).plain for reason in reasons}
    assert len({*lines.values()}) == len(reasons)
    assert ["nobody spoke" in lines[reason] for reason in ("silence", "uncertain")] == [True, False]


def test_what_was_said_cannot_move_the_cursor() -> None:
    """Control characters and markup in a text are shown as harmless characters."""
    text = result_line(final(0, seq=1).model_copy(update={"text": "a\x1b[2Jb\r[red]c"})).plain
    assert "a [2Jb [red]c" in text


@pytest.mark.parametrize(("ms", "time"), [(0, "0:00.0"), (61_250, "1:01.2"), (3_723_400, "1:02:03.4")])
def test_times_are_short(ms: int, time: str) -> None:
    """Minutes and seconds, and hours when there are any."""
    assert clock_time(ms) == time


def sentence(*texts: str) -> list[Final]:
    """Finals of one sentence."""
    first, *others = (final(n, seq=n + 1).model_copy(update={"text": text}) for n, text in enumerate(texts))
    return [first, *(end.continuing(end.segment - 1, 0, f"whole sentence {end.segment}") for end in others)]


def on_terminal(messages: list[AnyServerMessage], width: int = 60) -> str:
    """Everything that was written to a terminal without colours."""
    file, terminal = io.StringIO(), {"TERM": "xterm"}
    console = Console(file=file, force_terminal=True, width=width, soft_wrap=True, color_system=None, _environ=terminal)
    view = View(console)
    for message in messages:
        view.message(message)
    return file.getvalue()


ERASED = "\x1b[1A\x1b[2K"


def test_a_sentence_grows_in_its_line_on_a_terminal() -> None:
    """Its time is that of its beginning; the texts before are replaced by the sentence so far."""
    first, second, third = sentence("Ask not.", "what they", "do.")
    written = on_terminal([first, second, third, final(7, seq=9)])
    lines = written.split("\n")
    assert [line.count(ERASED) for line in lines] == [0, 1, 1, 0, 0]
    assert [line.replace(ERASED, "").split()[0] for line in lines[:-1]] == ["0:00.0", "0:00.0", "0:00.0", "0:07.0"]
    assert ["Ask not." in lines[0], "whole sentence 1" in lines[1], "whole sentence 2" in lines[2]] == [True] * 3


def test_a_long_sentence_is_erased_with_all_its_rows() -> None:
    """The terminal has wrapped it."""
    first, second = sentence("w" * 100, "and")
    assert on_terminal([first, second], width=40).count(ERASED) == 4


@pytest.mark.parametrize("piped", [True, False])
def test_a_text_that_goes_on_elsewhere_begins_with_an_ellipsis(piped: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """In a file or a pipe, or when something else was written since; nothing is erased then."""
    first, second, _ = sentence("Ask not.", "what they", "do.")
    if piped:
        view = View()
        view.message(first)
        view.message(second)
        written = capsys.readouterr().out
    else:
        written = on_terminal([first, final(8, seq=5), second])
    assert ERASED not in written
    assert "… what they" in written.splitlines()[-1]


def test_the_statistics_tell_everything() -> None:
    """Counts, mean scores, trend, languages and the latency of each hop."""
    statistics = Statistics(
        scope="session",
        utterances=12,
        words=34,
        speech_ms=56_700,
        failures=1,
        sentiment={"negative": LabelStatistics(), "positive": LabelStatistics(count=9, mean_score=0.875)},
        trend=-0.25,
        trend_window=20,
        languages={"ko": 5, "en": 7},
        latency={"stt": HopLatency(p50_ms=210.4, p95_ms=480.0)},
    )
    text = shown(statistics_table(statistics, Outcome("1", 12, 1, 0, latencies_ms=[100.0, 300.0])))
    for words in (
        "12",
        "34",
        "56.7 s",
        "9, mean score 0.88",
        "-0.25",
        "en 7, ko 5",
        "p50 210 ms, p95 480 ms",
        "p50 200",
    ):
        assert words in text, words


def test_the_summary_adds_sessions_up() -> None:
    """Latencies are those of all utterances together, not a mean of percentiles."""
    outcomes = [Outcome("1", 3, 0, 0, [10.0, 20.0, 30.0]), Outcome("2", 1, 1, 2, [1_000.0])]
    whole = total(outcomes)
    assert (whole.utterances, whole.failures, whole.missing, whole.latency_ms(50)) == (4, 1, 2, 25.0)
    assert "total" in shown(outcomes_table([*outcomes, whole]))
    assert total([Outcome("1", 0, 0, 0)]).latency_ms(50) is None


def test_json_is_one_line_for_each_message(capsys: pytest.CaptureFixture[str]) -> None:
    """However long, and nothing else on standard output."""
    view = JsonView()
    view.message(final(0, seq=1).model_copy(update={"text": "long " * 100}))
    view.message(Stopped(segments=1, pending=0))
    view.notice("connected")
    view.end([Outcome("1", 1, 0, 0, [5.0]), Outcome("2", 1, 0, 0, [7.0])], [])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["type"] for line in lines] == ["final", "stopped", *["session_summary"] * 3]
    assert lines[-1]["utterances"] == 2


def test_missing_results_are_not_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    """They are counted in a sentence of their own."""
    View().end([Outcome("1", 1, 0, 2)], [])
    assert "2 utterances got no result." in capsys.readouterr().err
