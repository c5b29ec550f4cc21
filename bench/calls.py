"""Two-channel recordings of calls: the errors of each leg in the call and alone, and how long both talked at once.

Each leg plays recordings in turn with pauses, 60 % speech. The same two legs are first two sessions at once, then the
channels of one; the whole system runs with the real models. Both carry the same samples, so what differs is the time at
which workers are free for the texts of pauses. Prints a table and writes ``bench-results/calls.json``.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.clips import MANIFEST, error_name, error_rate
from bench.live import LONGEST_S, SHORTEST_S
from bench.live_speakers import Speaker, make_stream, play, run_speakers, sentence_clips
from bench.results import print_header, write_results
from local.testing import Stack
from wire.audio import Samples
from wire.messages.client import Start
from wire.messages.results import Final
from wta.client.client import Client


async def call(url: str, language: str, legs: tuple[Samples, Samples]) -> tuple[list[Final], list[Final], int]:
    """Play both legs as the channels of one session; returns the finals of each, and ms in which both talked."""
    length = max(map(len, legs))
    stereo = np.stack([np.pad(leg, (0, length - len(leg))) for leg in legs], axis=1)
    async with Client(url, Start(channels=2, language=language)) as client:
        await play(client, stereo)
        stopped = await client.stop()
    if stopped.pending or client.transcript.missing:
        raise RuntimeError("results are missing")
    finals = [result for result in client.results if isinstance(result, Final)]
    left, right = ([each for each in finals if each.session_id == one] for one in client.transcript.session_ids)
    conversation = client.transcript.statistics["room"].conversation
    return left, right, conversation.overlap_ms if conversation else 0


def main(
    manifest: Annotated[Path, typer.Option(help="JSON lines with file, lang, text, seconds.")] = MANIFEST,
    language: Annotated[str, typer.Option(help="Clips of this language.")] = "en",
    calls: Annotated[int, typer.Option(help="Calls, one after the other.")] = 3,
    seconds: Annotated[float, typer.Option(help="Seconds of each call, at least.")] = 60.0,
) -> None:
    """Measure calls and write bench-results/calls.json."""
    print_header(__doc__)
    clips, name = sentence_clips(manifest, language, SHORTEST_S, LONGEST_S), error_name(language)
    rows: list[dict[str, object]] = []
    errors: dict[str, tuple[list[str], list[str]]] = {"alone": ([], []), "call": ([], [])}
    with tempfile.TemporaryDirectory() as folder, Stack.start(Path(folder)).wait_ready() as stack:
        url = f"{stack.url.replace('http', 'ws', 1)}/ws"
        for number in track(range(calls), "Calling"):
            alone, together = (Speaker(), Speaker()), (Speaker(), Speaker())
            left, right = (make_stream(clips, seconds, each, 2 * number + leg) for leg, each in enumerate(alone))
            asyncio.run(run_speakers(url, language, list(zip(alone, (left, right), strict=True))))
            *finals, overlap_ms = asyncio.run(call(url, language, (left, right)))
            for leg, (before, after) in enumerate(zip(alone, together, strict=True)):
                after.clips, after.finals = before.clips, finals[leg]
                row: dict[str, object] = {"call": number + 1, "leg": ("left", "right")[leg], "overlap_ms": overlap_ms}
                for kind, speaker in (("alone", before), ("call", after)):
                    said, found = speaker.references(), speaker.hypotheses()
                    row[f"{name}_{kind}"] = round(error_rate(language, said, found), 5)
                    errors[kind][0].extend(said)
                    errors[kind][1].extend(found)
                rows.append(row)
    total = {f"{name}_{kind}": round(error_rate(language, *pairs), 5) for kind, pairs in errors.items()}
    table = Table(title=f"Legs of calls, {language}")
    for column in rows[0]:
        table.add_column(column, justify="right")
    for row in [*rows, {"call": "all", "leg": "", "overlap_ms": "", **total}]:
        table.add_row(*(f"{value:.1%}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)
    write_results("calls", {"legs": rows, "all": total})


if __name__ == "__main__":
    typer.run(main)
