"""The page's prediction that speech goes on with a sentence, held against the rule of the analyzer."""

import re

from analyzer_worker.tasks.sentence import LONGEST, LONGEST_WITHOUT_SPACES, MAX_PAUSE_S
from fastapi_service.api.page import STATIC


def test_page_and_analyzer_have_the_same_bounds() -> None:
    """Longest pause and longest sentences are the same."""
    source = (STATIC / "view" / "open-sentence.js").read_text(encoding="utf-8")
    assert dict(re.findall(r"^const ([A-Z_]+) = (\d+);$", source, re.MULTILINE)) == {
        "MAX_PAUSE_MS": f"{MAX_PAUSE_S * 1000:.0f}",
        "LONGEST": str(LONGEST),
        "LONGEST_WITHOUT_SPACES": str(LONGEST_WITHOUT_SPACES),
    }
