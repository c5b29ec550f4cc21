"""The sentiment worker with an engine that takes a while and writes down each text that it gets.

``NOTED_TEXTS`` is the file: ``celery -A tests.integration.noting_analyzer``.
"""

import os
import time
from pathlib import Path

from analyzer_worker import analyzer_worker as entry
from analyzer_worker.engines.base import Probabilities
from analyzer_worker.engines.instant import InstantAnalyzer
from analyzer_worker.engines.routing import Routing

TAKES_S = 0.04
NOTED = Path(os.environ["NOTED_TEXTS"])


class NotingAnalyzer(InstantAnalyzer):
    def analyze(self, text: str, language: str) -> Probabilities:
        time.sleep(TAKES_S)
        with NOTED.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
        return super().analyze(text, language)


vars(entry)["load_routing"] = lambda *_: Routing({"*": NotingAnalyzer()})
celery = entry.celery
