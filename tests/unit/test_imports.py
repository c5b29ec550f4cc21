"""The seams: services share ``wire`` and nothing else, and what is heavy loads only where it is used."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = {"fastapi_service", "stt_worker", "analyzer_worker", "listener_service", "recorder_service", "certificates"}
HEAVY = {"torch", "transformers", "whisper", "peft", "fastapi", "uvicorn", "starlette"}


def imported(folder: str) -> set[str]:
    """Top-level packages that the modules of a folder import, anywhere in them."""
    nodes = [node for file in (ROOT / folder).rglob("*.py") for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {
        name.partition(".")[0]
        for name in plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    }


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_services_never_import_each_other(service: str) -> None:
    """Each can be built, deployed and rewritten alone."""
    assert "wire" in imported(service)
    assert imported(service) & (SERVICES - {service} | {"local", "tests", "tools"}) == set()


@pytest.mark.parametrize(
    ("package", "unwanted"),
    [("wire", {"infra", "redis", "celery", "kombu", "pydantic_settings"}), ("infra", set[str]())],
)
def test_shared_packages_depend_on_no_service(package: str, unwanted: set[str]) -> None:
    """``wire`` is pure, ``infra`` is the plumbing above it; torch, transformers and fastapi are in neither."""
    assert imported(package) & (SERVICES | HEAVY | unwanted | {"local", "tools"}) == set()


def test_the_client_depends_on_the_contract_and_on_sound_only() -> None:
    """Its wheel has nothing else of the repository."""
    files = list((ROOT / "wta").rglob("*.py"))
    shared = {name for file in files for name in re.findall(r"(?:from|import) (infra[.\w]*)", file.read_text("utf-8"))}
    assert imported("wta") & (SERVICES | HEAVY | {"local", "tests", "tools"}) == set()
    assert {name.split(".")[1] for name in shared} == {"sound"}


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("infra.worker", HEAVY),
        ("stt_worker.stt_worker", {"torch", "whisper"}),
        ("analyzer_worker.analyzer_worker", {"torch", "transformers", "peft"}),
        ("listener_service.listener_service", HEAVY),
        ("certificates.certificates", HEAVY),
        ("fastapi_service.fastapi_service", {"torch", "whisper", "transformers"}),
    ],
)
def test_nothing_heavy_happens_at_import(module: str, unwanted: set[str]) -> None:
    """Models and their libraries load when a worker starts; importing an entry point takes no seconds."""
    code = f"import sys, {module}; print(*set({sorted(unwanted)!r}) & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
