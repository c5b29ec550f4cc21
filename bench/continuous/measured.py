"""The figures of one stream."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.continuous.coverage import finals_of, last_final
from bench.continuous.played import Played
from bench.continuous.references import Reference
from bench.continuous.seams import Errors, count_errors, errors_by_place
from bench.continuous.streams import Stream
from wire.audio import SAMPLE_RATE


@dataclass(frozen=True)
class Measured:
    """One stream through the live system, and through other engines as a whole."""

    speaker: str
    stream_s: float
    speech_s: float
    errors: Errors
    places: Mapping[str, Errors]
    """Errors near forced cuts, near other ends, and elsewhere."""
    references: Mapping[str, tuple[Errors, Reference]]
    """By the name of the other engine."""
    finals: int
    forced_cuts: int
    finals_of_sentences: tuple[int, ...]
    """For each sentence, the finals that hold a part of it."""
    latencies_s: tuple[float, ...]
    """For each final, from the last voice in it until it is there."""
    sentence_latencies_s: tuple[float, ...]
    """For each sentence with a final, from its last voice until the final is there that holds its end."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Seconds of work by its kind: CPU of the engine, of discarded texts among it, of interim texts, of the
    endpointer, and the engine's time."""

    def __add__(self, other: "Measured") -> "Measured":
        """Return two streams of one speaker as one."""
        references = {
            engine: (errors + other.references[engine][0], reference + other.references[engine][1])
            for engine, (errors, reference) in self.references.items()
        }
        return Measured(
            self.speaker,
            self.stream_s + other.stream_s,
            self.speech_s + other.speech_s,
            self.errors + other.errors,
            {place: errors + other.places[place] for place, errors in self.places.items()},
            references,
            self.finals + other.finals,
            self.forced_cuts + other.forced_cuts,
            self.finals_of_sentences + other.finals_of_sentences,
            self.latencies_s + other.latencies_s,
            self.sentence_latencies_s + other.sentence_latencies_s,
            {kind: seconds + other.seconds[kind] for kind, seconds in self.seconds.items()},
        )


def measure(stream: Stream, played: Played, references: Mapping[str, Reference]) -> Measured:
    """Compare a session with the reference of its stream."""
    shown, language = played.shown, stream.language
    return Measured(
        speaker=stream.speaker,
        stream_s=len(stream.audio) / SAMPLE_RATE,
        speech_s=stream.speech_s,
        errors=count_errors(language, stream.text, played.text),
        places=errors_by_place(language, stream.text, shown),
        references={name: (count_errors(language, stream.text, each.text), each) for name, each in references.items()},
        finals=len(shown),
        forced_cuts=sum(final.reason == "too_long" for final in played.finals),
        finals_of_sentences=tuple(len(finals_of(each, stream, shown)) for each in stream.sentences),
        latencies_s=tuple(final.finished_s - stream.last_voice(final.end) / SAMPLE_RATE for final in shown),
        sentence_latencies_s=tuple(
            last.finished_s - sentence.end / SAMPLE_RATE
            for sentence in stream.sentences
            if (last := last_final(sentence, shown)) is not None
        ),
        seconds={
            "cpu": played.cpu_s,
            "discarded_cpu": played.discarded_cpu_s,
            "interim_cpu": played.interim_cpu_s,
            "endpointer_cpu": played.endpointer_cpu_s,
            "engine": played.engine_s,
        },
    )
