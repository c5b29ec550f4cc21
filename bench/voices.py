"""Speakers of one microphone: share of the speech that is ascribed to the wrong person, where up to six speak in turn.

Also pairs of utterances that are taken for one person's or for two people's. Recordings are cut as the gateway does it;
each utterance gets its voice as in the worker, and its number as in the listener. Only people with two
recordings take part. Prints tables and writes ``bench-results/voices.json``.
"""

import time
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.clips import MANIFEST, Clip, read_manifest
from bench.results import print_header, write_results
from bench.voice_streams import Score, Spoken, equal_error_rate, score, turns, utterances, voice_of
from infra.settings import WireSettings, load_settings
from stt_worker.engines.vad import SURROUNDINGS_S
from stt_worker.engines.voices.encoder import VoiceEncoder
from stt_worker.weights.voices import PACKAGED, find_voices
from wire.audio import SAMPLE_RATE, Samples

PEOPLE = (1, 2, 3, 4, 6)
LENGTHS_S = (1.0, 2.0, 4.0)
UTTERANCES = 40
"""In a stream."""


def spoken(clip: Clip, audio: Samples, seconds: float, encoder: VoiceEncoder) -> Spoken:
    """Return audio of a recording as an utterance with its voice."""
    return Spoken(clip.speaker, clip.language, str(clip.file), seconds, voice_of(audio, seconds, encoder))


def main(
    manifest: Annotated[Path, typer.Option(help="Clips with their speakers.")] = MANIFEST,
    weights: Annotated[str, typer.Option(help="As STT_SPEAKERS.")] = PACKAGED,
    streams: Annotated[int, typer.Option(help="Of each number of people and language.")] = 25,
) -> None:
    """Measure and print."""
    print_header(__doc__)
    torch.set_num_threads(1)
    encoder = VoiceEncoder(find_voices(weights, load_settings(WireSettings).model_cache))
    clips = by_speaker(read_manifest(manifest))
    whole, cut, cost = embed([clip for each in clips.values() for clip in each], encoder)
    results = {
        "weights": encoder.model,
        "people": {
            language: len({each.speaker for each in whole if each.language == language})
            for language in languages(whole)
        },
        "ms_per_s": cost,
        "pairs": {f"{seconds:g}": pair_errors(cut[seconds]) for seconds in LENGTHS_S},
        "streams": {language: stream_errors(whole, language, streams) for language in languages(whole)},
    }
    show(results)
    write_results("voices", results)


def by_speaker(clips: list[Clip]) -> dict[str, list[Clip]]:
    """Return the clips of each person who has at least two; groups of unknown people do not count as one."""
    found: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if clip.text and not any(word in clip.speaker for word in ("unknown", " and ", ".", "/")):
            found[clip.speaker].append(clip)
    return {speaker: each for speaker, each in found.items() if len(each) > 1}


def embed(clips: list[Clip], encoder: VoiceEncoder) -> tuple[list[Spoken], dict[float, list[Spoken]], float]:
    """Return all utterances with their voices, their middles by length, and milliseconds of CPU per second of audio."""
    whole, cut, audio_s, cpu_s = [], defaultdict(list), 0.0, 0.0
    for clip in track(clips, "voices"):
        for audio in utterances(clip.audio()):
            began = time.thread_time()
            whole.append(spoken(clip, audio, max(0.0, len(audio) / SAMPLE_RATE - SURROUNDINGS_S), encoder))
            cpu_s += time.thread_time() - began
            audio_s += len(audio) / SAMPLE_RATE
            for seconds in LENGTHS_S:
                samples = int(seconds * SAMPLE_RATE)
                if len(audio) >= samples + SURROUNDINGS_S * SAMPLE_RATE:
                    start = (len(audio) - samples) // 2
                    cut[seconds].append(spoken(clip, audio[start : start + samples], seconds, encoder))
    return whole, cut, round(1000 * cpu_s / audio_s, 1)


def languages(found: list[Spoken]) -> list[str]:
    """Return the languages of at least two people, and ``all``."""
    people = {each.speaker: each.language for each in found}
    return [*sorted({each for each in people.values() if [*people.values()].count(each) > 1}), "all"]


def pair_errors(found: list[Spoken]) -> dict[str, tuple[float, int]]:
    """Return equal error rate and number of pairs of one person, by language."""
    return {
        language: equal_error_rate([each for each in found if language in (each.language, "all")])
        for language in languages(found)
    }


def stream_errors(found: list[Spoken], language: str, streams: int) -> dict[int, dict[str, float]]:
    """Return the means over some streams, by number of people."""
    people: dict[str, list[Spoken]] = defaultdict(list)
    for each in found:
        if language in (each.language, "all"):
            people[each.speaker].append(each)
    means = {}
    for count in PEOPLE:
        if count > len(people):
            break
        random = np.random.default_rng(count)
        scores: list[Score] = []
        for _ in range(streams):
            chosen = random.choice(sorted(people), count, replace=False)
            scores.append(score(turns({str(name): people[str(name)] for name in chosen}, UTTERANCES, random)))
        names = ("wrong", "voices", "speakers", "revised")
        means[count] = {name: round(float(np.mean([getattr(each, name) for each in scores])), 3) for name in names}
    return means


def show(results: dict[str, object]) -> None:
    """Print the tables."""
    console = Console()
    pairs, streams = results["pairs"], results["streams"]
    assert isinstance(pairs, dict)
    assert isinstance(streams, dict)
    console.print(
        f"{results['weights']}: {results['ms_per_s']} ms of one core per second of audio; people: {results['people']}"
    )
    table = Table("pairs of", *next(iter(pairs.values())), title="equal error rate, % (pairs of one person)")
    for seconds, errors in pairs.items():
        table.add_row(f"{seconds} s", *(f"{100 * rate:.1f} ({count})" for rate, count in errors.values()))
    console.print(table)
    table = Table("language", "people", "wrong, %", "voices found", "revisions", title="in turn")
    for language, means in streams.items():
        for count, mean in means.items():
            table.add_row(
                language, str(count), f"{100 * mean['wrong']:.1f}", f"{mean['voices']:.1f}", f"{mean['revised']:.1f}"
            )
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
