"""Names that other programs depend on stay as they are."""

import re
from pathlib import Path

from fastapi_service.storage.record import SessionRecord
from fastapi_service.storage.sessions import _fields as record_fields
from infra.celery_app import KOMBU_PRIORITY_SEPARATOR, make_celery, queue_keys
from tests.support.speakers import ALICE, BOB
from wire import names

ROOT = Path(__file__).parents[3]


def test_promised_names_stay() -> None:
    """Operators and other services use the names of queues, tasks and channels."""
    assert (names.STT_QUEUE, names.ANALYZER_QUEUE) == ("stt_queue", "analyzer_queue")
    assert names.TRANSCRIBE_AUDIO == "stt_worker.transcribe_audio"
    assert names.ANALYZE_TEXT == "analyzer_worker.analyze_text"
    assert names.RESULT_CHANNEL == "result_channel"
    assert (names.RESULT_MESSAGES, names.FINAL_STATS) == ("result_messages", "final_stats")
    assert names.result_messages("room:kitchen") == "result_messages:room:kitchen"
    assert names.final_stats("room:kitchen") == "final_stats:room:kitchen"


def test_services_are_named_like_their_folders() -> None:
    """Each has an entry module of the same name, which readiness and metrics name too."""
    for service in (names.GATEWAY, names.STT_WORKER, names.ANALYZER_WORKER, names.LISTENER):
        assert (ROOT / service / f"{service}.py").is_file()


def test_keys_of_two_sessions_never_meet() -> None:
    """Everything about a session or an audience has a key of its own."""
    keys = [
        *(
            function(session)
            for function in (names.session, names.order, names.outstanding)
            for session in (ALICE, BOB)
        ),
        *(names.audio(session, segment) for session in (ALICE, BOB) for segment in (1, 11)),
        *(names.ledger_entry(names.ledger_member(session, segment)) for session in (ALICE, BOB) for segment in (1, 11)),
        *(
            function(names.audience(session, room))
            for function in (names.log, names.statistics)
            for session in (ALICE, BOB)
            for room in (None, session)
        ),
        names.statistics(names.GLOBAL_AUDIENCE),
        names.TOTALS,
        names.statistics(names.audience(ALICE, "global")),
        names.PENDING,
        names.HIGH_WATER,
        names.SWEEPER_LOCK,
        *(names.stream(channel) for channel in (names.RESULT_CHANNEL, names.RESULT_MESSAGES, names.FINAL_STATS)),
        *(names.heartbeat_index(service) for service in (names.STT_WORKER, names.LISTENER)),
        names.heartbeat(names.STT_WORKER, "one"),
        *(function(room) for function in (names.people, names.talking) for room in ("kitchen", "people")),
    ]
    assert len(keys) == len(set(keys))
    assert all(key.startswith("wta:") for key in keys)


def test_every_key_is_in_the_table_of_who_reads_and_writes_it() -> None:
    """Whoever looks into Redis finds each there."""
    source = (ROOT / "wire" / "names.py").read_text(encoding="utf-8")
    table = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    keys = set(re.findall(r'f"{_PREFIX}(.+?)"', source))
    assert len(keys) > 10
    documented = {re.sub(r"{\w+}", "{}", key) for key in re.findall(r"`wta:([^`]+)`", table)}
    named = {re.sub(r"{\w+}", "{}", key.replace("{member}", "{session_id}:{segment}")) for key in keys}
    assert named - documented == set()


def test_the_fields_of_a_session_are_named_at_its_key() -> None:
    """Those that the gateway writes at the start, and the one that workers add."""
    record = SessionRecord(ALICE, "owner", "kitchen", "en", 16_000, 0, 0, languages=("en",))
    fields = {*record_fields(record, "digest"), "detected_language"}
    assert fields <= set(re.findall(r"\w+", names.session.__doc__ or ""))


def test_people_of_a_room_are_one_audience() -> None:
    """Without a room, a session is its own audience."""
    assert names.audience(ALICE, "kitchen") == names.audience(BOB, "kitchen")
    assert names.audience(ALICE, None) != names.audience(BOB, None)
    assert names.audience(ALICE, ALICE) != names.audience(ALICE, None)


def test_a_worker_consumes_its_queue_and_nothing_else() -> None:
    """Celery's default queue, named ``celery``, is never used."""
    for queue in (names.STT_QUEUE, names.ANALYZER_QUEUE):
        celery = make_celery("test", "redis://127.0.0.1:1/0", queue)
        assert list(celery.amqp.queues) == [queue]
        assert celery.conf.task_default_queue == queue
        assert celery.conf.accept_content == ["json"]


def test_queue_keys_are_one_list_per_priority() -> None:
    """A queue's depth sums them all; the most urgent one has the queue's own name."""
    assert queue_keys("q") == ["q", *(f"q{KOMBU_PRIORITY_SEPARATOR}{step}" for step in (3, 6, 9))]
