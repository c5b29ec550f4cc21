"""A translation that recognises the services' English sentences does so by words that they really begin with."""

import re

from analyzer_worker.engines.instant import InstantAnalyzer
from analyzer_worker.engines.routing import Routing
from analyzer_worker.scheduling.batcher import Batcher
from analyzer_worker.tasks.analyze import Judgement, analyse
from tests.support.machines import ROOT

RECOGNISED = re.compile(r'reason\.startsWith\("([^"]+)"\)')
GIVEN_UP = re.compile(r'publish_result\(.*?Final\.of\(.*?, None, f"([^{"]+)', re.S)
"""The reason with which the sweeper ends an utterance whose analysis failed."""


def test_every_reason_for_missing_sentiment_is_recognised() -> None:
    """In each language that translates them; and no other beginning is."""
    english = Batcher(lambda: Routing({"*": InstantAnalyzer(frozenset({"en"}))}))
    _, unsupported = analyse(english, "Bore da", "cy", "session", Judgement())
    sweeper = (ROOT / "listener_service" / "sweeper.py").read_text(encoding="utf-8")
    reasons = [str(unsupported), *GIVEN_UP.findall(sweeper)]
    assert len(reasons) == 2
    translations = (ROOT / "fastapi_service" / "static" / "i18n").glob("*.js")
    for beginnings in filter(None, (RECOGNISED.findall(file.read_text(encoding="utf-8")) for file in translations)):
        recognised = [[beginning for beginning in beginnings if reason.startswith(beginning)] for reason in reasons]
        assert [len(found) for found in recognised] == [1] * len(reasons)
        assert {beginning for found in recognised for beginning in found} == {*beginnings}
