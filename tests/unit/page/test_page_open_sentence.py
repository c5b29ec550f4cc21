"""The page's prediction that speech goes on with a sentence, held against the rule of the analyzer."""

import json
import subprocess

from analyzer_worker.tasks.sentence import LONGEST, LONGEST_WITHOUT_SPACES, MAX_PAUSE_S
from tests.support.machines import ROOT

PRINT = """
import { pathToFileURL } from "node:url";
const { goesOn, ...constants } = await import(pathToFileURL("fastapi_service/static/view/open-sentence.js"));
console.log(JSON.stringify(constants));
"""


def test_page_and_analyzer_have_the_same_bounds() -> None:
    """Longest pause and longest sentences are the same."""
    command = ["node", "--input-type=module", "-e", PRINT]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert json.loads(printed) == {
        "MAX_PAUSE_MS": MAX_PAUSE_S * 1000,
        "LONGEST": LONGEST,
        "LONGEST_WITHOUT_SPACES": LONGEST_WITHOUT_SPACES,
    }
