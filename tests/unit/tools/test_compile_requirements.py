import re
import tomllib
from typing import Any

import pytest

from tools.bootstrap import BUILD, CLIENTS, EVERYTHING, REQUIREMENTS, ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
IMAGES: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==[\w.!]+( ; [^\\]+)?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def pins(name: str) -> list[str]:
    """The requirements of a file, each as ``NAME==VERSION ; MARKER``; all of them have hashes and no address."""
    text = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").replace(" \\\n", "\n")
    entries = re.split(r"\n(?=\w)", re.sub(r"^#.*\n", "", text, flags=re.M).strip())
    for entry in entries:
        pin, *hashes = [line.strip() for line in entry.splitlines()]
        assert PIN.fullmatch(pin), pin
        assert hashes, pin
        assert all(HASH.fullmatch(each) for each in hashes), pin
    return [entry.splitlines()[0] for entry in entries]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("name", [BUILD, CLIENTS, EVERYTHING, *IMAGES])
def test_every_requirement_is_a_plain_pin_with_hashes(name: str) -> None:
    """A swapped file on an index is noticed, and no line names a server that others cannot reach."""
    assert pins(name) == sorted(pins(name), key=lambda pin: pin.partition("=")[0])


def test_there_is_a_file_for_each_image() -> None:
    """Each service of pyproject.toml has its requirements, and no file is left of one that is gone."""
    assert {file.stem for file in REQUIREMENTS.iterdir()} == {BUILD, CLIENTS, EVERYTHING, *IMAGES}


@pytest.mark.parametrize("name", [CLIENTS, EVERYTHING, *IMAGES])
def test_torch_and_its_cuda_packages_are_left_out(name: str) -> None:
    """The requirements leave to torch's own installation what only some machines need."""
    assert not [pin for pin in pins(name) if re.match(r"(torch|triton|nvidia-.*|cuda-.*)==", pin)]


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_an_image_has_what_pyproject_declares_in_the_versions_that_are_tested(name: str) -> None:
    """What every service needs and what this one needs is there, pinned as in the developers' environment."""
    declared = names(PROJECT["project"]["dependencies"]) | names(IMAGES[name]) - {"torch"}
    assert {wanted.partition("[")[0] for wanted in declared} <= names(pins(name))
    tested = {pin.partition(" ;")[0] for pin in pins(EVERYTHING)}
    assert {pin.partition(" ;")[0] for pin in pins(name)} <= tested


def test_the_environment_has_what_pyproject_declares() -> None:
    """Every dependency group is part of the developers' requirements, but the clients of other services."""
    groups = dict(PROJECT["dependency-groups"])
    assert {wanted.partition("[")[0] for wanted in names(groups.pop("clients"))} <= names(pins(CLIENTS))
    declared = {name for group in groups.values() for name in names([each for each in group if isinstance(each, str)])}
    assert declared <= names(pins(EVERYTHING))
    assert {each["include-group"] for each in groups["dev"]} == set(groups) - {"dev"}
    assert names(pins(BUILD)) == names(groups["build"])
