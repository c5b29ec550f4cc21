"""Docstrings say what a thing is or does: subject, verb, object; a program is no person."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ["analyzer_worker", "bench", "certificates", "fastapi_service", "infra", "listener_service", "local"]
PACKAGES += ["recorder_service", "stt_worker", "tools", "wire", "wta"]
OPENINGS = re.compile(r"(What|Who|Whose|Whom|How|Where|When|Whether|Of|Nobody|Somebody|Everybody|Tell whether)\b")
WORDS = re.compile(
    r"\b(hears?|heard|tells?|told|knows?|asks?|asked|believes?|believed|wants?|somebody|nobody|everybody|anew|in vain|"
    r"as ever|any more|remedied|heeds?|heeded)\b",
    re.IGNORECASE,
)
DOCUMENTS = [
    ROOT / ".env.example",
    *ROOT.glob("[A-Z]*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("*_*/README.md"),
    ROOT / "wta/README.md",
    ROOT / "packages/browser/README.md",
]
PERSONS = re.compile(
    r"\b(Whisper|(model|worker|gateway|listener|recorder|service)s?) (hears?|heard|tells?|believes?|wants?)\b"
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_documents_are_plain(document: Path) -> None:
    """A program takes in, decodes or says; people hear."""
    assert PERSONS.findall(document.read_text("utf-8")) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_docstrings_are_plain(package: str) -> None:
    """Also the strings below attributes, which describe them."""
    faults = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {text.splitlines()[0]}"
        for file in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if (text := node.value.value.strip()) and (OPENINGS.match(text) or WORDS.search(text))
    ]
    assert faults == []
