"""The documents: links lead somewhere, and both READMEs say the same."""

import re
from pathlib import Path

import pytest

from analyzer_worker.engines.e5_languages import ENCODER

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    file
    for file in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part == "node_modules" for part in file.relative_to(ROOT).parts)
]

CODE_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    """The fragments that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", CODE_BLOCK.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(text: str) -> list[str]:
    """The lines of the shell blocks without their comments, which are translated."""
    blocks = [body for kind, body in CODE_BLOCK.findall(text) if kind == "sh"]
    return [line.split("#")[0].strip() for body in blocks for line in body.splitlines()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """Files and headings that a document links to are there."""
    for link in LINK.finditer(CODE_BLOCK.sub("", document.read_text(encoding="utf-8"))):
        target = link[1] or link[2]
        if "://" in target:
            continue
        path, _, fragment = target.partition("#")
        file = document.parent / path if path else document
        assert file.exists(), target
        assert not fragment or fragment in anchors(file.read_text(encoding="utf-8")), target


def test_the_korean_readme_has_the_same_commands() -> None:
    """Whoever reads Korean types the same."""
    assert commands(read("README.ko.md")) == commands(read("README.md"))


@pytest.mark.parametrize(
    "pattern",
    [r"`[^`\n]+`", r"\d+(?:\.\d+)?(?= (?:ms|KB|MB|GB)(?![A-Za-z]))", r"^#+ ", r"^\|", r"\]\((?!README)([^)#\s]+)"],
    ids=["names", "figures", "headings", "table rows", "links"],
)
def test_the_korean_readme_names_the_same_things(pattern: str) -> None:
    """What is not language is there as often as in English."""
    english, korean = (
        sorted(re.findall(pattern, CODE_BLOCK.sub("", read(name)), re.M)) for name in ("README.md", "README.ko.md")
    )
    assert korean == english


def test_every_package_is_among_the_rooms() -> None:
    """A folder that says what it reads and writes has a place in the picture."""
    rooms = re.search(r"^## Rooms\n(.*?)^## ", read("docs/architecture.md"), re.M | re.S)
    assert rooms is not None
    packages = {file.parent.name for file in DOCUMENTS if file.name == "README.md" and file.parent.parent == ROOT}
    assert len(packages) > 5
    assert packages - set(re.findall(r"`(\w+)`", rooms[1])) == set()


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_number_of_languages_is_that_of_the_encoder(name: str) -> None:
    assert re.search(rf"\b{len(ENCODER) - 2}( other languages|개 언어)", read(name))
