"""An outage is one line in the log, and its end another."""

from structlog.testing import capture_logs

from infra.outage_log import OutageLog


def test_an_outage_is_logged_once_and_its_end_once() -> None:
    """Attempts in between add nothing."""
    outage = OutageLog("heartbeat write")
    with capture_logs() as lines:
        outage.recovered()
        for _ in range(3):
            outage.failed(ConnectionError("redis://:secret@host"))
        outage.recovered()
        outage.recovered()
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("heartbeat write failed", "warning"),
        ("heartbeat write recovered", "info"),
    ]
    assert lines[0]["error"] == "ConnectionError"
    assert "secret" not in str(lines)


def test_the_next_outage_is_logged_again() -> None:
    """Two outages are two lines."""
    outage = OutageLog("send")
    with capture_logs() as lines:
        for _ in range(2):
            outage.failed(OSError())
            outage.recovered()
    assert [line["event"] for line in lines] == ["send failed", "send recovered"] * 2
