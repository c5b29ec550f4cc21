"""Rooms in their order: a file imports from its own room or a lower one, and no files import each other in a circle."""

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = {
    "": "bench tools local certificates recorder_service wta listener_service analyzer_worker stt_worker "
    "fastapi_service infra wire",
    "fastapi_service": "fastapi_service keys app gateway api access sessions recognition storage delivery export "
    "decoding endpointing pubsub monitoring tasks errors settings security",
    "stt_worker": "stt_worker prefetch tasks load scheduling engines weights settings numerics",
    "stt_worker.engines": "voices whisper level vad repeated_speech skipped_speech periodicity echo_filter "
    "hallucinations prompt_echo known_hallucinations text_key instant wrapper device torch_threads base deadline",
    "analyzer_worker": "analyzer_worker prefetch training tasks scheduling engines weights settings",
    "listener_service": "listener_service append_only_file leftovers queued_jobs scratch_leftovers sweeper consumer "
    "release plan retry_policy states counts voice_counts shared_timeline conversation monologues talk order tally "
    "extremes turning_points timeline sentences voices words settings",
    "recorder_service": "recorder_service settings",
    "wta": "hatch_build __main__ commands doctor run view outcome audio client",
    "certificates": "certificates server authority pair settings",
    "local": "quiet run testing terminal stack settings errors",
    "infra": "sound worker_app worker model_thread fair_queue memory watchdog job results ledger context voiceprints "
    "interim_requests scratch celery_app heartbeat health_file clock redis_check redis_client redis_types redis_errors "
    "outage_log cpus logs settings redis_url",
    "wire": "totals messages sentence_ends names people audio languages close_codes errors",
}
"""Package → its rooms (folders or files) from the highest to the lowest, in the order in which data and calls flow."""


@cache
def modules() -> dict[str, set[str]]:
    """Module → modules of this repository that its file imports, at its top or inside of functions."""
    files = {dotted(file): file for package in ROOMS[""].split() for file in (ROOT / package).rglob("*.py")}
    return {name: (imported(file) & files.keys()) - {name} for name, file in files.items()}


def dotted(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(file: Path) -> set[str]:
    """Names that may be modules; of ``from package import module`` the module, not the package that merely holds it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("package", ROOMS)
def test_no_file_imports_from_a_higher_room(package: str) -> None:
    """Also: every room is listed."""
    prefix, rooms = f"{package}." if package else "", ROOMS[package].split()
    inside = {name: name.removeprefix(prefix).split(".")[0] for name in modules() if f"{name}.".startswith(prefix)}
    inside.pop(package, None)
    assert set(inside.values()) <= set(rooms)
    upward = [
        f"{name} imports {other}"
        for name in inside
        for other in modules()[name] & inside.keys()
        if rooms.index(inside[other]) < rooms.index(inside[name])
    ]
    assert not upward


def test_no_files_import_each_other_in_a_circle() -> None:
    """Two files that need each other cannot be read, tested or moved alone."""
    TopologicalSorter(modules()).prepare()  # CycleError names the circle
