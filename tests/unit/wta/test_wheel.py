"""The client as it is installed."""

import subprocess
from pathlib import Path

import pytest

from tests.support.installed_client import install_client

IMPORT_ALL = """
import importlib, pkgutil, sys, wta
for module in pkgutil.walk_packages(wta.__path__, "wta."):
    importlib.import_module(module.name)
print(wta.Client.__module__, wta.Final.__module__, *sorted({"wire", "infra", "redis", "celery"} & sys.modules.keys()))
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_client(tmp_path_factory.mktemp("client"))


def test_every_module_of_the_wheel_is_imported_without_the_repository(programs: Path, tmp_path: Path) -> None:
    """The shared packages are inside, under the client's name; those of their own name are not there."""
    command = [str(programs / "python"), "-c", IMPORT_ALL]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["wta.client.client", "wta.shared.wire.messages.results"]


def test_the_wheel_adds_one_package_with_types_and_one_command(programs: Path) -> None:
    """Whoever installs it gets nothing in the way of other packages."""
    (packages,) = programs.parent.glob("lib/python*/site-packages")
    (metadata,) = packages.glob("whisper_text_analyzer_client-*.dist-info")
    recorded = [line.split(",")[0] for line in (metadata / "RECORD").read_text().splitlines()]
    names = {name for name in recorded if not name.startswith("wta/")}
    assert {name for name in names if not name.startswith(metadata.name)} == {"../../../bin/wta"}
    assert {"wta/py.typed", "wta/shared/wire/py.typed", "wta/shared/LICENSE"} <= set(recorded)
    assert not [name for name in recorded if name.endswith(("hatch_build.py", ".toml", ".md"))]


def test_the_installed_command_runs(programs: Path, tmp_path: Path) -> None:
    """From any folder."""
    done = subprocess.run([programs / "wta", "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "transcribe" in done.stdout
