"""Runs the streams through the live system and other engines, and gathers their figures."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.progress import track

from bench.continuous.cases import Case, Condition, Kind, Studio
from bench.continuous.live import LiveSession
from bench.continuous.measured import measure
from bench.continuous.played import Played
from bench.continuous.references import Reference, installed, transcribe_all
from bench.continuous.report import Stored, figures
from bench.continuous.room import InRoom, measure_room, room_figures
from bench.continuous.streams import Stream
from bench.continuous.worker import Cost
from bench.session import Session, new_endpointer
from bench.this_engine import is_shown, transcribe
from fastapi_service.settings import Settings as GatewaySettings
from stt_worker.engines.base import Transcriber
from wire.audio import SAMPLE_RATE, Samples

FIRST_S = 5
"""Seconds that are transcribed before any time is taken: the first utterance of a process takes longer."""


@dataclass(frozen=True)
class Options:
    """Options of a run."""

    detect: bool = False
    """Sessions name no language."""
    cpu_time: bool = False
    """The engine takes its CPU time on the modelled clock."""
    references: bool = True
    """Other engines run beside."""


class Runs:
    """One engine on all streams."""

    def __init__(self, engine: Transcriber, studio: Studio, settings: GatewaySettings, options: Options) -> None:
        """Use an engine on the streams of a studio, cut with the gateway's settings."""
        self._engine = engine
        self._studio = studio
        self._options = options
        self._settings = settings

    def play(self, stream: Stream) -> Played:
        """Run one stream as a live session."""
        session = Session(self._engine, None if self._options.detect else stream.language)
        measure_cost = Cost.by_cpu if self._options.cpu_time else Cost.of
        settings = self._settings
        live = LiveSession(
            session,
            new_endpointer(settings),
            measure_cost,
            context_s=settings.context_s,
            interim_every_s=settings.interim_ms / 1000,
            texts_end=settings.unfinished_ms > 0,
        )
        return live.play(stream.audio)

    def text_of(self, audio: Samples, language: str) -> str:
        """Return the text that clients would get for an utterance."""
        hypothesis = transcribe(self._engine, audio, language)
        return hypothesis.text if is_shown(hypothesis) else ""

    def streams(self, cases: Sequence[Case]) -> Stored:
        """Measure joined clips and recordings."""
        for case in cases[:1]:
            self.text_of(self._studio.make(case).audio[: FIRST_S * SAMPLE_RATE], case.plan.language)
        played = [self.play(self._studio.make(case)) for case in _track(cases, "Continuous speech")]
        others: dict[str, list[Reference]] = {}
        for engine in installed() if cases and self._options.references else ():
            others[engine] = transcribe_all(engine, map(self._studio.make, _track(cases, engine)))
        groups = defaultdict(list)
        for number, (case, session) in enumerate(zip(cases, played, strict=True)):
            beside = {engine: results[number] for engine, results in others.items()}
            key = case.plan.language, case.kind.value, case.condition
            groups[key].append(measure(self._studio.make(case), session, beside))
        stored: Stored = {}
        for (language, kind, condition), measured in groups.items():
            stored.setdefault(language, {}).setdefault(kind, {})[condition] = figures(
                language, measured, by_sentence=kind != Kind.RECORDING
            )
        return stored

    def rooms(self, cases: Sequence[Case]) -> Stored:
        """Measure sentences in loud rooms."""
        groups: dict[tuple[str, str], list[InRoom]] = defaultdict(list)
        for case in _track(cases, "Loud rooms"):
            stream = self._studio.make(case)
            played = self.play(stream)
            groups[case.plan.language, case.condition].append(measure_room(stream, played, self.text_of))
        stored: Stored = {}
        for (language, noise), measured in groups.items():
            stored.setdefault(language, {}).setdefault(Kind.ROOM, {})[noise] = room_figures(language, measured)
        return stored


def _track(cases: Sequence[Case], description: str) -> Iterable[Case]:
    """Show progress, if there is anything to do."""
    return track(cases, description=description) if cases else ()


def results(streams: Stored, rooms: Stored) -> dict[str, dict[str, object]]:
    """Return each language's part of the results file: joined clips without noise first, then everything else."""
    stored: dict[str, dict[str, object]] = {}
    for language in sorted({*streams, *rooms}):
        kinds = streams.get(language, {}) | rooms.get(language, {})
        joined = dict(kinds.pop(Kind.JOINED, {}))
        clean = joined.pop(Condition.CLEAN, {})
        stored[language] = {**clean, **({"noise": joined} if joined else {}), **kinds}
    return stored
