import pytest

from local.stack.readiness import parse


def test_reasons_of_what_is_missing() -> None:
    """Only the services that are not ready are named, each with its reason."""
    checks = {
        "redis": {"ready": True, "reason": None},
        "stt_worker": {"ready": False, "reason": "loading the model"},
        "analyzer_worker": {"ready": False, "reason": None},
    }
    waiting = parse({"ready": False, "checks": checks})
    assert waiting == {"stt_worker": "loading the model", "analyzer_worker": "not ready yet"}


def test_nothing_is_missing_when_ready() -> None:
    """A ready system has no reasons."""
    assert parse({"ready": True, "checks": {"redis": {"ready": True, "reason": None}}}) == {}


@pytest.mark.parametrize("body", [{"detail": "Not Found"}, [], "ok"])
def test_someone_elses_answer_is_not_readiness(body: object) -> None:
    """Another program on the port is never taken for the gateway."""
    with pytest.raises(ValueError, match="readyz"):
        parse(body)
