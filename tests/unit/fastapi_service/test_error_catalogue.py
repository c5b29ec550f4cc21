"""The errors that clients see are made in one place."""

import re

from fastapi_service import errors
from tests.support.machines import ROOT

MADE = re.compile(r"\b(?:Protocol|Store|Audio|Access|Wire)Error\(")


def test_no_other_file_of_the_gateway_makes_an_error() -> None:
    """Whoever looks for a code or changes a sentence finds it in ``errors/``."""
    package = ROOT / "fastapi_service"
    makers = {
        file.relative_to(package).parts[0]
        for file in package.rglob("*.py")
        if MADE.search(file.read_text(encoding="utf-8"))
    }
    assert makers == {"errors"}


def test_an_unknown_session_is_the_same_for_a_resume_and_an_export() -> None:
    """What to do differs."""
    resume, export = errors.not_resumable(), errors.nothing_to_export()
    assert (resume.code, resume.message) == (export.code, export.message)
    assert resume.remedy != export.remedy
