"""The page joins the texts of a sentence as the services do."""

import json
import random
import subprocess
from itertools import product
from pathlib import Path

from wire.languages import LANGUAGES, WITHOUT_SPACES
from wire.sentence_ends import MARKS, is_finished, joined, last_mark

HERE = Path(__file__).parent
BEGINNINGS = ("", "Well", "Ask not,", "Πού είσαι", "Really (he said)", "电车", "3", "Dr", "“Well", "« Vraiment", "a; b")
ENDS = (
    "",
    "...",
    "?!",
    " ?",
    " ? !",
    '."',
    '".',
    "!)",
    ".”",
    ". »",
    ",",
    ", ",
    ".\u3000",
    ".\ufeff",
    "\x1f.\x85",
    "。」",
    "",
)
OTHER = " \t\n\xa0\ufeff\x1c\x85\u3000,;:-\"'’”“„»«)]」』}abcßΩε네は。3\u0301"


def pairs() -> list[tuple[str, str, str]]:
    """Each beginning with each end and each mark, and 4,000 texts of random signs; languages in turn."""
    chance = random.Random(7)
    beginnings = [
        *("".join(parts) for parts in product(BEGINNINGS, ENDS)),
        *("".join(parts) for parts in product(BEGINNINGS, MARKS)),
        *("".join(chance.choices(MARKS + OTHER * 2, k=chance.randrange(9))) for _ in range(4_000)),
    ]
    languages = sorted(LANGUAGES)
    texts = ["and then.", " and", "", "之后", "\ufeff", "x\x85"]
    return [(each, texts[i % len(texts)], languages[i % len(languages)]) for i, each in enumerate(beginnings)]


def test_page_and_services_join_texts_alike() -> None:
    """Thousands of texts with marks, brackets, quotation marks and spaces of all kinds, in every language."""
    given = pairs()
    command = ["node", str(HERE / "sentence-ends.js")]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
    expected = [
        [is_finished(before), list(last_mark(before)), joined(before, text, language)]
        for before, text, language in given
    ]
    assert json.loads(done.stdout) == expected
    assert {finished for finished, *_ in expected} == {True, False}
    assert {language for *_, language in given} >= WITHOUT_SPACES
