"""What `make run` prints about itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from certificates.pair import Pair
from local.stack import plan as module
from local.stack.plan import Plan
from local.terminal import Terminal

PLAN = Plan(
    run_dir=Path("/srv/run"),
    socket=Path("/srv/run/supervisor.sock"),
    host="0.0.0.0",
    port=8443,
    redis_url="redis://127.0.0.1:6379/0",
    redis_port=6379,
    redis_maxmemory="100mb",
    stt_workers=1,
    stt_threads=0,
    log_format="console",
    certificate=None,
    has_tls=True,
)


@pytest.mark.parametrize("certificate", [None, Pair(Path("cert.pem"), Path("key.pem"))], ids=["yours", "made here"])
def test_a_warning_is_announced_for_a_certificate_that_was_made_here(
    certificate: Pair | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A browser may well trust one of the operator's."""
    monkeypatch.setattr(module, "lan_addresses", lambda: ["192.0.2.7"])
    Terminal().announce(replace(PLAN, certificate=certificate))
    printed = capsys.readouterr().out
    assert "https://192.0.2.7:8443" in printed
    assert ("browser warns" in printed) == (certificate is not None)
