"""The packages of the tree: all of them are type-checked, and those that run are built and typed."""

import tomllib
from pathlib import Path
from typing import Any

import wta

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests"}
NOT_BUILT = {"bench", "tools"}
"""For developers, in the repository only."""


def test_every_package_is_type_checked() -> None:
    assert set(PROJECT["tool"]["mypy"]["files"]) == PACKAGES | {"docs", "tests"}


def test_every_package_that_runs_is_built_and_typed() -> None:
    built = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert built == PACKAGES - NOT_BUILT
    assert {name for name in built if (ROOT / name / "py.typed").exists()} == built


def test_the_client_has_the_version_of_the_project() -> None:
    assert wta.__version__ == PROJECT["project"]["version"]


def test_the_changelog_begins_with_the_version_of_the_project() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = [line.split()[1] for line in changelog.splitlines() if line.startswith("## ")]
    assert PROJECT["project"]["version"] == next(heading for heading in headings if heading != "Unreleased")
