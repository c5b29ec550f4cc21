"""The count of utterances: each once, when the ledger has it, not when it is found."""

import asyncio

import pytest
import stamina

from fastapi_service.endpointing.frames import FRAME
from fastapi_service.monitoring import metrics
from infra.ledger.admission import Admitted
from tests.support.session_setting import Setting


@pytest.mark.parametrize(
    ("verdicts", "counted"),
    [([], 1), (["full", "full"], 1), (["duplicate"], 1), (["full", "duplicate"], 1)],
    ids=["admitted", "waited", "of another connection", "waited, of another connection"],
)
async def test_utterance_counts_once_when_the_ledger_admits_it(verdicts: list[Admitted], counted: int) -> None:
    """A connection that resumes a session finds again what the one before has written."""
    before = _counted("silence")
    found = Setting()
    found.admission.answers.extend(verdicts)
    with stamina.set_testing(True, attempts=20):
        await found.say(50 * FRAME)
        await found.session.finish()
    assert _counted("silence") - before == counted


async def test_utterance_that_was_not_admitted_does_not_count() -> None:
    """It was found; its client sends it again after an outage."""
    before = _counted("silence")
    found = Setting()
    found.admission.open.clear()
    await found.say(50 * FRAME)
    await asyncio.sleep(0.01)
    assert _counted("silence") == before
    found.admission.open.set()
    await found.session.finish()
    assert _counted("silence") == before + 1


def _counted(reason: str) -> float:
    value: float = metrics.UTTERANCES.labels(reason)._value.get()
    return value
