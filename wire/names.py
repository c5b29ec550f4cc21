"""Every name that crosses a process boundary: queues, tasks, channels and Redis keys."""

STT_QUEUE = "stt_queue"
ANALYZER_QUEUE = "analyzer_queue"

TRANSCRIBE_AUDIO = "stt_worker.transcribe_audio"
TRANSCRIBE_PARTIAL = "stt_worker.draft_text"
ANALYZE_TEXT = "analyzer_worker.analyze_text"

RESULT_CHANNEL = "result_channel"  # workers → listener
RESULT_MESSAGES = "result_messages"  # listener → gateways
FINAL_STATS = "final_stats"  # listener → gateways
ROOM_PEOPLE = "room_people"  # gateways → gateways: the room of this name has other people now

GATEWAY = "fastapi_service"
STT_WORKER = "stt_worker"
ANALYZER_WORKER = "analyzer_worker"
LISTENER = "listener_service"

_PREFIX = "wta:"

PENDING = f"{_PREFIX}pending"
"""Sorted set of ledger members by the time of enrolment (Unix seconds)."""
HIGH_WATER = f"{_PREFIX}high_water"
"""Hash stage → latest ``sent_at`` that a worker has claimed: what was sent long before and is unclaimed, is lost."""
SWEEPER_LOCK = f"{_PREFIX}sweeper"
GLOBAL_AUDIENCE = "global"
"""Statistics over all sessions. Nobody's socket belongs to it: operators read it from ``/metrics``."""
LISTENER_GROUP = "listeners"


def audience(session_id: str, room: str | None) -> str:
    """Who may see a session's results: the people of its room, or the session alone."""
    return room_audience(room) if room is not None else f"session:{session_id}"


def room_audience(room: str) -> str:
    """The people of a room."""
    return f"room:{room}"


def stream(channel: str) -> str:
    """The durable stream beside a pub/sub channel."""
    return f"{_PREFIX}stream:{channel}"


def session(session_id: str) -> str:
    """Hash: token digest, owner, language, room, sample rate, next segment, acknowledged samples."""
    return f"{_PREFIX}session:{session_id}"


def session_keys(session_id: str, room: str | None) -> list[str]:
    """What has to live as long as a session: its hash first, the order of its results, and what its sockets see."""
    audiences = [audience(session_id, None)]
    if room is not None:
        audiences.append(room_audience(room))
    return [session(session_id), order(session_id), *map(log, audiences), *map(statistics, audiences)]


def audio(session_id: str, segment: int) -> str:
    """Int16 PCM of one utterance, short-lived."""
    return f"{_PREFIX}audio:{session_id}:{segment}"


def partial_audio(session_id: str, segment: int, revision: int) -> str:
    """Int16 PCM of an utterance that is not over yet; whoever takes it away is the one to transcribe it."""
    return f"{_PREFIX}audio:{session_id}:{segment}:{revision}"


def partials(instance: str) -> str:
    """Channel on which one gateway receives the drafts that it asked for: nobody else sees them."""
    return f"{_PREFIX}drafts:{instance}"


def ledger_member(session_id: str, segment: int) -> str:
    """Name an utterance in the sets of the ledger."""
    return f"{session_id}:{segment}"


def outstanding(session_id: str) -> str:
    """Sorted set of a session's ledger members by where they end on its audio clock (ms): its part of ``PENDING``."""
    return f"{_PREFIX}outstanding:{session_id}"


def ledger_entry(member: str) -> str:
    """Hash: stage, job, attempts, claimed_by, claimed_at, sent_at, error."""
    return f"{_PREFIX}ledger:{member}"


def order(session_id: str) -> str:
    """The listener's record of which segments of a session are released."""
    return f"{_PREFIX}order:{session_id}"


def log(audience_name: str) -> str:
    """Stream of everything released to an audience; the id ``N-0`` is the message's ``seq``."""
    return f"{_PREFIX}log:{audience_name}"


def statistics(audience_name: str) -> str:
    """Statistics of a session or a room."""
    return f"{_PREFIX}statistics:{audience_name}"


def people(room: str) -> str:
    """Sorted set of the connections in a room, by their owner ids, and when each is forgotten (Unix seconds)."""
    return f"{_PREFIX}people:{room}"


def talking(room: str) -> str:
    """Those of ``people`` that have sent audio."""
    return f"{_PREFIX}talking:{room}"


def heartbeat(service: str, instance: str) -> str:
    """Heartbeat of one process; gone a few seconds after the process is."""
    return f"{_PREFIX}alive:{service}:{instance}"


def heartbeat_index(service: str) -> str:
    """Set of instances of a service that have lived; the heartbeat keys tell which still do."""
    return f"{_PREFIX}alive:{service}"
