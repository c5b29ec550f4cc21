"""Tables of statistics, outcomes and devices."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from wire.messages.base import HOPS
from wire.messages.results import LABELS
from wire.messages.statistics import Conversation, Statistics, VoiceStatistics
from wta.audio.microphone import InputDevice
from wta.outcome import Outcome

NOTHING = "–"


def statistics_table(statistics: Statistics, outcome: Outcome) -> Table:
    """Build a table of two columns, grouped by lines."""
    of = f" {statistics.session_id[:8]}" if statistics.room and statistics.session_id else ""
    table = Table("", "", title=f"Statistics of the {statistics.scope}{of}", show_header=False, title_justify="left")
    table.add_row("utterances", str(statistics.utterances))
    table.add_row("sentences", str(statistics.sentences))
    table.add_row("words", str(statistics.words))
    table.add_row("speech", f"{statistics.speech_ms / 1000:.1f} s")
    table.add_row("sounds without speech", str(statistics.no_speech - statistics.uncertain))
    table.add_row("speech without a certain text", str(statistics.uncertain))
    table.add_row("failed", _alarm(statistics.failures), end_section=True)
    for label, known in statistics.sentiment.items():
        score = "" if known.mean_score is None else f", mean score {known.mean_score:.2f}"
        table.add_row(label, f"{known.count}{score}")
    table.add_row("of them unsure", str(statistics.unsure))
    table.add_row("* language not trained", str(statistics.zero_shot))
    table.add_row("without sentiment", str(statistics.unanalysed))
    table.add_row(f"trend (last {statistics.trend_window})", _trend(statistics.trend))
    languages = ", ".join(f"{language} {count}" for language, count in sorted(statistics.languages.items()))
    table.add_row("languages", languages or NOTHING, end_section=True)
    for hop in (name for name in HOPS if name in statistics.latency):
        latency = statistics.latency[hop]
        table.add_row(hop, f"p50 {latency.p50_ms:.0f} ms, p95 {latency.p95_ms:.0f} ms")
    if outcome.latencies_ms:
        row = f"p50 {_whole(outcome.latency_ms(50))} ms, p95 {_whole(outcome.latency_ms(95))} ms"
        table.add_row("speech end → received here", row)
    return table


def conversation_table(conversation: Conversation) -> Table:
    """Build a table with one row for each person of a room."""
    silence, overlap = (_seconds(ms) for ms in (conversation.silence_ms, conversation.overlap_ms))
    title = f"Talk in the room: {silence} of silence, {overlap} of several at once"
    table = Table("person", "role", box=SIMPLE_HEAD, title=title, title_justify="left")
    for name in ("talk", "share", "words", "words/min", "longest", "interruptions", "overlap"):
        table.add_column(name, justify="right", no_wrap=True)
    for person in conversation.people:
        table.add_row(
            Text(person.name or person.person[:8]),
            Text(person.role or NOTHING),
            _seconds(person.talk_ms),
            _percent(person.share),
            str(person.words),
            _whole(person.words_per_minute),
            _seconds(person.longest_monologue_ms),
            str(person.interruptions),
            _seconds(person.overlap_ms),
        )
    return table


def voices_table(voices: Sequence[VoiceStatistics]) -> Table:
    """Build a table with one row for each voice of a session."""
    table = Table("voice", box=SIMPLE_HEAD, title="Speakers of the microphone", title_justify="left")
    for name in ("talk", "share", "words", "words/min", "longest", *LABELS, "trend"):
        table.add_column(name, justify="right", no_wrap=True)
    for voice in voices:
        counts = (voice.sentiment[label].count if label in voice.sentiment else 0 for label in LABELS)
        table.add_row(
            f"Voice {voice.voice}",
            _seconds(voice.speech_ms),
            _percent(voice.share),
            str(voice.words),
            _whole(voice.words_per_minute),
            _seconds(voice.longest_monologue_ms),
            *map(str, counts),
            NOTHING if voice.trend is None else f"{voice.trend:+.2f}",
        )
    return table


def outcomes_table(outcomes: list[Outcome]) -> Table:
    """Build a table with one row per session; the last one is their sum."""
    table = Table("session", box=SIMPLE_HEAD, title="Speech end → received, in ms", title_justify="left")
    for name in ("utterances", "failures", "missing", "lost", "p50", "p95", "p99"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("error")
    for outcome in outcomes:
        if outcome is outcomes[-1]:
            table.add_section()
        table.add_row(
            outcome.session,
            str(outcome.utterances),
            _alarm(outcome.failures),
            _alarm(outcome.missing),
            f"{outcome.lost_s:.1f} s",
            *(_whole(outcome.latency_ms(percentile)) for percentile in (50, 95, 99)),
            outcome.error.code if outcome.error else "",
        )
    return table


def devices_table(devices: list[InputDevice]) -> Table:
    """Build a table of what --device may name."""
    table = Table("device", "name", "channels", "Hz", "")
    for device in devices:
        default = "default" if device.is_default else ""
        table.add_row(str(device.index), Text(device.name), str(device.channels), str(device.rate), default)
    return table


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.1f} s"


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{share:.0%}"


def _whole(number: float | None) -> str:
    return NOTHING if number is None else f"{number:.0f}"


def _alarm(count: int) -> Text:
    """Format a number that should be 0."""
    return Text(str(count), style="bold red" if count else "")


def _trend(trend: float | None) -> str:
    return NOTHING if trend is None else f"{trend:+.2f} (−1 negative … +1 positive)"
