"""Continuous speech: errors, finals per sentence, latency and cost, beside whisper.transcribe of the whole stream.

Clips of one speaker are joined at pauses of 150 to 700 ms (of several speakers where one has too few), long recordings
stay as they are; without noise, and with a fan, babble and music 15 dB below the voice. They go through endpointer and
engine as live, on a modelled clock with one worker. In loud rooms (−30 dBFS) sentences have silence around them. Prints
tables, and writes ``bench-results/continuous.json``; what other engines make of a stream is kept beside it.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.clips import MANIFEST, Clip, read_manifest
from bench.continuous.cases import Condition, Kind, Studio, clip_languages
from bench.continuous.runs import Options, Runs, results
from bench.continuous.tables import room_table, streams_table
from bench.results import machine, print_header, write_results
from bench.this_engine import load_engine
from fastapi_service.gateway import endpointer_options
from fastapi_service.settings import Settings as GatewaySettings
from infra.settings import load_settings


def usable_clips(manifest: Path) -> list[Clip]:
    """Read a manifest, or the ``manifest.jsonl`` of a folder.

    Raises:
        typer.BadParameter: it is missing, or a recording that it names.
    """
    file = manifest / "manifest.jsonl" if manifest.is_dir() else manifest
    if not file.is_file():
        raise typer.BadParameter(
            f"{file} is missing. Give a file with one line per recording (file, lang, text, seconds, speaker), or its "
            "folder: --manifest FILE, or `make bench-continuous MANIFEST=FILE`."
        )
    clips = read_manifest(file)
    missing = [clip.file for clip in clips if not clip.file.is_file()]
    if missing:
        raise typer.BadParameter(f"{len(missing)} recordings of {file} are missing, the first is {missing[0]}.")
    return clips


def main(
    manifest: Annotated[Path, typer.Option("--manifest", "--data", help="Recordings, or their folder.")] = MANIFEST,
    language: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    condition: Annotated[list[Condition] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    speakers: Annotated[int | None, typer.Option(help="At most this many of each language.", min=1)] = None,
    minutes: Annotated[float, typer.Option(help="Of clips in each stream, at most.", min=0.25, max=3)] = 3.0,
    detect: Annotated[bool, typer.Option("--detect", help="Detect the language of each utterance.")] = False,
    cpu_time: Annotated[bool, typer.Option("--cpu-time", help="Take CPU time, on a busy machine.")] = False,
    alone: Annotated[bool, typer.Option("--alone", help="Without other engines.")] = False,
) -> None:
    """Measure continuous speech and write bench-results/continuous.json."""
    clips = usable_clips(manifest)
    print_header(__doc__)
    from bench.continuous.voice import find_voice

    studio = Studio(clips, find_voice)
    cases = [
        case
        for each in language or clip_languages(clips)
        for case in studio.cases(each, condition or list(Condition), speakers, minutes)
    ]
    if not cases:
        raise typer.BadParameter(f"{manifest} has too little speech in these languages.")
    engine, console = load_engine(), Console(width=160)
    console.print(f"Number formats: {engine.revision}\n")
    settings = load_settings(GatewaySettings)
    runs = Runs(engine, studio, settings, Options(detect, cpu_time, references=not alone))
    streams = runs.streams([case for case in cases if case.kind is not Kind.ROOM])
    rooms = runs.rooms([case for case in cases if case.kind is Kind.ROOM])
    for table in (streams_table(streams), room_table(rooms)):
        if table.row_count:
            console.print(table)
    about = {
        "numerics": engine.revision,
        "machine": machine(),
        "language_detected": detect,
        "clock": "cpu" if cpu_time else "wall",
    }
    limits = {"minutes_per_stream": minutes, "streams_per_language": speakers}
    options = vars(endpointer_options(settings))
    write_results("continuous", {**about, **limits, "endpointer": options, **results(streams, rooms)})


if __name__ == "__main__":
    typer.run(main)
