"""Figures of ``make bench-continuous``: finals per sentence, latencies, errors by place, means over speakers."""

from dataclasses import replace

import numpy as np
import pytest

from bench.continuous.measured import Measured, measure
from bench.continuous.played import Final, Played
from bench.continuous.references import Reference
from bench.continuous.report import figures, interval
from bench.continuous.room import measure_room, room_figures
from bench.continuous.seams import CUT, ELSEWHERE, PAUSE, Errors, count_errors, errors_by_place
from bench.continuous.streams import Sentence, Stream
from bench.stt_engines import FASTER, WHISPER
from fastapi_service.endpointing.events import Reason
from stt_worker.engines.base import Hypothesis, Word
from wire.audio import SAMPLE_RATE, Samples

SPANS = ((1.0, 3.0), (3.4, 5.0), (5.4, 8.0))
TEXTS = ("ant bee cat dog", "eel fox gnu hen", "ibex jay kiwi lynx")


def at(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


def make_stream() -> Stream:
    """Three sentences; the last has a pause from 6 to 6.3 s."""
    sentences = tuple(Sentence(text, at(a), at(b)) for text, (a, b) in zip(TEXTS, SPANS, strict=True))
    voice = ((1.0, 3.0), (3.4, 5.0), (5.4, 6.0), (6.3, 8.0))
    audio = np.zeros(at(10), dtype=np.float32)
    return Stream("en", "ann", audio, sentences, tuple((at(a), at(b)) for a, b in voice))


def final(begin_s: float, end_s: float, text: str, reason: Reason = "silence", after_s: float = 0.0) -> Final:
    """A final that is over at its end, and there ``after_s`` later; its words have equal times."""
    words, length = text.split(), end_s - begin_s
    timed = tuple(
        Word(f" {word}", length * number / len(words), length * (number + 1) / len(words), 0.9)
        for number, word in enumerate(words)
    )
    found = Hypothesis(text, "en", None, -0.1, 0.0, timed)
    return Final(at(begin_s), at(end_s), reason, end_s, end_s + after_s, found, bool(text))


def played(*finals: Final) -> Played:
    return Played(finals, 4.0, 1.0, 0.5, 3.0)


def test_a_sentence_has_the_finals_that_hold_a_part_of_its_voice() -> None:
    """A tenth of a second is none; one that holds two sentences counts for both."""
    finals = final(0.7, 2.0, "ant bee"), final(2.0, 5.2, "cat dog eel fox gnu hen"), final(5.2, 8.5, TEXTS[2])
    assert measure(make_stream(), played(*finals), {}).finals_of_sentences == (2, 1, 1)
    touching = final(0.7, 3.5, TEXTS[0]), final(3.5, 8.5, "eel")
    assert measure(make_stream(), played(*touching), {}).finals_of_sentences == (1, 1, 1)


def test_a_sentence_without_a_text_has_no_final() -> None:
    found = measure(make_stream(), played(final(0.7, 3.2, ""), final(3.2, 8.5, "eel")), {})
    assert found.finals_of_sentences == (0, 1, 1)
    assert found.finals == 1
    assert len(found.sentence_latencies_s) == 2


def test_latencies_count_from_the_last_voice() -> None:
    """Of a final: of what it holds, also if that ends within a sentence; of a sentence: from its own end."""
    finals = (
        final(0.7, 3.3, TEXTS[0], after_s=0.2),  # voice until 3.0
        final(3.3, 6.2, "eel fox gnu hen ibex", after_s=0.1),  # until the pause at 6.0
        final(6.2, 7.0, "jay kiwi", "too_long", after_s=1.0),  # cut in the voice, at 7.0
        final(7.0, 8.5, "lynx", after_s=0.4),  # until 8.0
    )
    found = measure(make_stream(), played(*finals), {})
    assert found.latencies_s == pytest.approx((0.5, 0.3, 1.0, 0.9), abs=1e-3)
    assert found.sentence_latencies_s == pytest.approx((0.5, 1.3, 0.9), abs=1e-3)
    assert found.forced_cuts == 1


def test_errors_are_those_of_the_normalised_texts() -> None:
    """Words in English, characters in Korean."""
    assert count_errors("en", "Ant, bee cat", "ant bee dog eel") == Errors(2, 3)
    assert count_errors("ko", "네 좋아요", "네좋아용") == Errors(1, 4)
    assert count_errors("en", "ant bee", "") == Errors(2, 2)
    assert Errors().rate is None


def test_errors_near_a_cut_are_counted_apart() -> None:
    """A wrong word beside the cut at 4.2 s, a missing one beside the pause at 8.2, and an added one elsewhere."""
    finals = (
        final(0.2, 4.2, "ant and bee cat wrong", "too_long"),
        final(4.2, 8.2, "eel fox gnu", "silence"),
        final(8.2, 16.2, "ibex jay kiwi lynx", "silence"),
    )
    places = errors_by_place("en", " ".join(TEXTS), finals)
    assert places[CUT].errors == places[PAUSE].errors == places[ELSEWHERE].errors == 1
    assert sum((each for each in places.values()), Errors()) == Errors(3, 12)


def test_errors_without_any_text_are_all_elsewhere() -> None:
    places = errors_by_place("en", " ".join(TEXTS), [])
    assert places == {CUT: Errors(), PAUSE: Errors(), ELSEWHERE: Errors(12, 12)}


def measured(speaker: str, errors: int, whisper: int, latencies_s: tuple[float, ...] = (0.5, 0.7)) -> Measured:
    """A minute of speech with a hundred words."""
    return Measured(
        speaker, 70.0, 60.0, Errors(errors, 100), dict.fromkeys((CUT, PAUSE, ELSEWHERE), Errors(errors, 100)),
        {
            WHISPER: (Errors(whisper, 100), Reference("", 20.0, 40.0)),
            FASTER: (Errors(whisper + 1, 100), Reference("", 5.0, 9.0)),
        },
        2, 1, (1, 2), latencies_s, latencies_s,
        {"cpu": 6.0, "discarded_cpu": 1.5, "endpointer_cpu": 0.1, "engine": 4.0},
    )  # fmt: skip


def test_figures_are_means_over_speakers() -> None:
    """Each with the same weight, and the distance from Whisper with its interval."""
    found = figures("en", [measured("ann", 10, 8), measured("bob", 20, 14)])
    expected = {
        "speakers": 2, "minutes": 2.3333, "sentences": 4, "finals": 4, "wer": 0.15, "wer_whisper_stream": 0.11,
        "wer_faster_whisper": 0.12, "wer_above_whisper_stream": 0.04, "finals_per_sentence": 1.5, "forced_cuts": 2,
        "p50_s": 0.6, "p95_s": 0.7, "cpu_s_per_minute": 6.0, "discarded_cpu_s_per_minute": 1.5,
        "cpu_s_per_minute_whisper_stream": 40.0, "wer_interval": [0.1, 0.2],
    }  # fmt: skip
    assert {key: found[key] for key in expected} == expected | {"minutes": 2.33}
    assert found["wer_above_whisper_stream_interval"] == [0.02, 0.06]
    assert [each["speaker"] for each in rows(found["per_speaker"])] == ["ann", "bob"]
    assert found["errors_near_cuts"] == {"rate": 0.15, "units": 200}


def test_streams_of_one_speaker_count_as_one() -> None:
    """As a long recording does that has no times of its sentences."""
    found = figures("en", [measured("ann", 10, 8), measured("ann", 20, 14), measured("bob", 5, 5)], by_sentence=False)
    assert (found["speakers"], found["finals"], found["wer"]) == (2, 6, 0.1)
    assert found["wer_whisper_stream"] == 0.08
    assert (found["cpu_s_per_minute"], found["engine_s_per_minute"]) == (6.0, 4.0)
    assert not [key for key in found if "sentence" in key]


def rows(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value


@pytest.mark.parametrize(("language", "name"), [("en", "wer"), ("ko", "cer"), ("de", "wer")])
def test_the_rate_is_called_by_its_units(language: str, name: str) -> None:
    found = figures(language, [measured("ann", 10, 8)])
    assert (found[name], found[f"{name}_whisper_stream"]) == (0.1, 0.08)
    assert found[f"{name}_interval"] is None


def test_figures_without_other_engines_or_finals_are_possible() -> None:
    found = figures("en", [replace(measured("ann", 10, 8, ()), references={})])
    assert "wer_whisper_stream" not in found
    assert found["p50_s"] is None


def test_an_interval_holds_the_mean_and_narrows_with_speakers() -> None:
    few, many = (interval([0.1, 0.2] * times) for times in (3, 100))
    assert few is not None
    assert many is not None
    assert few[0] < many[0] < 0.15 < many[1] < few[1]


def test_utterances_in_a_room_end_within_a_second() -> None:
    """The end of the second is later, the third has none; what is said between two sentences is extra."""
    stream = make_stream()
    finals = (
        final(0.7, 3.6, TEXTS[0]),
        replace(final(3.3, 5.3, TEXTS[1]), decided_s=6.4),
        final(8.1, 8.9, "thank you"),
    )
    asked: list[int] = []

    def transcribe(audio: Samples, language: str) -> str:
        asked.append(len(audio))
        return TEXTS[len(asked) - 1] if language == "en" else ""

    found = measure_room(stream, played(*finals), transcribe)
    assert found.ends_s[:2] == pytest.approx((0.6, 1.4))
    assert found.ends_s[2] is None
    assert found.extra_finals == 1
    assert found.file_errors == Errors(0, 12)
    assert asked == [at(end - begin + 0.8) for begin, end in SPANS]
    stored = room_figures("en", [found])
    assert stored["ended_within_1_s"] == pytest.approx(1 / 3, abs=1e-4)
    assert (stored["without_utterance"], stored["wer_file"]) == (1, 0.0)
