"""Names that cross a process boundary: queues, tasks, channels and Redis keys. Functions return a key or channel."""

STT_QUEUE = "stt_queue"
ANALYZER_QUEUE = "analyzer_queue"

TRANSCRIBE_AUDIO = "stt_worker.transcribe_audio"
TRANSCRIBE_PARTIAL = "stt_worker.draft_text"
ANALYZE_TEXT = "analyzer_worker.analyze_text"

RESULT_CHANNEL = "result_channel"  # workers → listener
RESULT_MESSAGES = "result_messages"  # listener → gateways: a channel for each audience
FINAL_STATS = "final_stats"  # listener → gateways: the same
ACCESS_CHANGED = "access_changed"  # whoever revokes → gateways: a key, a sign-in or a room is no longer what it was
ROOM_PEOPLE = "room_people"  # gateways → gateways: name of a room whose occupancy changed

GATEWAY = "fastapi_service"
STT_WORKER = "stt_worker"
ANALYZER_WORKER = "analyzer_worker"
LISTENER = "listener_service"

_PREFIX = "wta:"
PATTERN = "wta:*"
"""Matches all keys of the services, but for Celery's."""

PENDING = f"{_PREFIX}pending"
"""Sorted set of ledger members by the time of their admission (Unix seconds)."""
HIGH_WATER = f"{_PREFIX}high_water"
"""Hash lane → latest ``sent_at`` of a claimed job. A job sent long before it and still unclaimed is lost. A lane is a
stage's jobs of one class; see ``infra.ledger.entry``."""
SWEEPER_LOCK = f"{_PREFIX}sweeper"
"""Held by the one listener that sweeps."""
DELETING = f"{_PREFIX}deleting"
"""Sorted set of the audiences that were deleted, by the time of that (Unix seconds), until the sweeper has removed all
that is left of them."""
SESSIONS = f"{_PREFIX}sessions"
"""Sorted set of all sessions by their beginning (Unix ms); its members are those of ``listed``."""
INTERIMS = f"{_PREFIX}interims"
"""Sorted set of the sessions that wait for an interim text, by the time since when (Unix seconds); it expires."""
API_KEYS = f"{_PREFIX}keys"
"""Set of the ids of all API keys."""
PASSPHRASE = f"{_PREFIX}passphrase"
"""Hash: hash (argon2), made_at (Unix seconds)."""
TOTALS = f"{_PREFIX}totals"
"""Hash with the totals over all sessions (``wire.totals``). Operators read them from ``/metrics``."""
GLOBAL_AUDIENCE = "global"
"""Audience of the statistics over all sessions that listeners older than ``TOTALS`` have counted. It has no sockets."""
LISTENER_GROUP = "listeners"
"""Consumer group of the listeners on the stream of results."""


def audience(session_id: str, room: str | None) -> str:
    """Return the audience of a session's results: its room, or without a room the session alone."""
    return room_audience(room) if room is not None else f"session:{session_id}"


def room_audience(room: str) -> str:
    """Return the audience of a room."""
    return f"room:{room}"


def room_of(audience_name: str) -> str | None:
    """Return the room whose audience this is; None if it is a session's."""
    kind, _, room = audience_name.partition(":")
    return room if kind == "room" else None


def result_messages(audience_name: str) -> str:
    """Channel with the results of an audience."""
    return f"{RESULT_MESSAGES}:{audience_name}"


def final_stats(audience_name: str) -> str:
    """Channel with the statistics of an audience."""
    return f"{FINAL_STATS}:{audience_name}"


def stream(channel: str) -> str:
    """Stream with the messages of a pub/sub channel, for readers that were disconnected.

    Of ``RESULT_MESSAGES`` and ``FINAL_STATS`` only gateways that are older than a channel for each audience read it.
    """
    return f"{_PREFIX}stream:{channel}"


def session(session_id: str) -> str:
    """Hash with what a resume needs.

    Fields: token (its digest), owner, room, task, language, languages, prompt, sample_rate, next_segment, samples (the
    safe ones), ahead (1 if its last utterance was), grant (JSON) where access is closed, detected_language, the last
    one that was certain, person, name and role of the one who talks, and for lists began_at (Unix ms), began_by (see
    ``listed``), ended (the last owner whose connection has ended) and ended_at (Unix ms).
    """
    return f"{_PREFIX}session:{session_id}"


def deleted(session_id: str) -> str:
    """Digest of a deleted session's token. While it is there, nothing is written for the session; it expires."""
    return f"{_PREFIX}deleted:{session_id}"


def sessions_of(began_by: str) -> str:
    """Sorted set like ``SESSIONS``, of the sessions that began with one grant."""
    return f"{SESSIONS}:{began_by}"


def listed(session_id: str, began_by: str | None) -> str:
    """Return the member of a session in ``SESSIONS``: its id, and behind a blank the grant that it began with.

    A grant is named by the id of its key, the digest of its cookie, or that of a person's name; one that has none of
    these is left out.
    """
    return session_id if began_by is None else f"{session_id} {began_by}"


def room_sessions(room: str) -> str:
    """List of the sessions of a room in the order in which they began; the first one owns the room."""
    return f"{_PREFIX}room_sessions:{room}"


def session_keys(session_id: str, room: str | None) -> list[str]:
    """Return the keys that live as long as a session: its hash, the order of its results, voices, logs, statistics."""
    audiences = [audience(session_id, None)]
    if room is not None:
        audiences.append(room_audience(room))
    of_room = [] if room is None else [person_statistics(room), room_sessions(room)]
    own = [session(session_id), order(session_id), voices(session_id)]
    return [*own, *map(log, audiences), *map(statistics, audiences), *of_room]


def audio(session_id: str, segment: int) -> str:
    """Int16 PCM of one utterance; it expires."""
    return f"{_PREFIX}audio:{session_id}:{segment}"


def partial_audio(session_id: str, segment: int, revision: int) -> str:
    """Int16 PCM of an utterance that is not over yet. The worker that reads it deletes it: no other transcribes it."""
    return f"{_PREFIX}audio:{session_id}:{segment}:{revision}"


def interim(session_id: str) -> str:
    """Hash: revision, job, pcm: newest request of a session for an interim text; the worker that begins deletes it."""
    return f"{_PREFIX}interim:{session_id}"


def sentence(session_id: str, segment: int) -> str:
    """Text of the unfinished sentence that an utterance is the last part of; it expires."""
    return f"{_PREFIX}sentence:{session_id}:{segment}"


def context(session_id: str) -> str:
    """Hash: segment, text, pcm: speech just before an utterance, and its text; it expires, and the next replaces it."""
    return f"{_PREFIX}context:{session_id}"


def partials(instance: str) -> str:
    """Channel on which one gateway receives the partials that it requested."""
    return f"{_PREFIX}drafts:{instance}"


def ledger_member(session_id: str, segment: int) -> str:
    """Return the name of an utterance in the sets of the ledger."""
    return f"{session_id}:{segment}"


def outstanding(session_id: str) -> str:
    """Sorted set of a session's ledger members, its part of ``PENDING``, by their end on its audio clock (ms)."""
    return f"{_PREFIX}outstanding:{session_id}"


def ledger_entry(member: str) -> str:
    """Hash: stage, job, attempts, claimed_by, claimed_at, sent_at, error, live, aged_at.

    ``live`` is 1 if the job was ahead and the session is live again; the job itself stays as it was. ``aged_at`` is
    when a copy of the job was sent that takes turns with interim texts.
    """
    return f"{_PREFIX}ledger:{member}"


def order(session_id: str) -> str:
    """Record of the released segments of a session, kept by the listener."""
    return f"{_PREFIX}order:{session_id}"


def voices(session_id: str) -> str:
    """Hash with the voices of a session, kept by the listener, to distinguish the speakers of one microphone."""
    return f"{_PREFIX}voices:{session_id}"


def voiceprint(session_id: str, segment: int) -> str:
    """Hash: data: voice of one utterance until its result is released; it expires."""
    return f"{_PREFIX}voiceprint:{session_id}:{segment}"


def log(audience_name: str) -> str:
    """Stream of all messages released to an audience; ``N`` of the id ``N-0`` is the message's ``seq``."""
    return f"{_PREFIX}log:{audience_name}"


def statistics(audience_name: str) -> str:
    """Hash with the statistics of an audience."""
    return f"{_PREFIX}statistics:{audience_name}"


def person_statistics(room: str) -> str:
    """Hash with the statistics of each person in a room; the fields of one begin with the person's id and a colon."""
    return f"{_PREFIX}persons:{room}"


def people(room: str) -> str:
    """Sorted set of the connections in a room: owner ids by the time of their expiry (Unix seconds)."""
    return f"{_PREFIX}people:{room}"


def talking(room: str) -> str:
    """Sorted set like ``people``, of the connections that have sent audio."""
    return f"{_PREFIX}talking:{room}"


def present(room: str) -> str:
    """Hash: the same owner ids → person, name, role and whether they talk now, as JSON."""
    return f"{_PREFIX}present:{room}"


def heartbeat(service: str, instance: str) -> str:
    """Heartbeat of one process; it expires a few seconds after the process ends."""
    return f"{_PREFIX}alive:{service}:{instance}"


def heartbeat_index(service: str) -> str:
    """Set of instances of a service. It may contain ended ones; only running ones have a heartbeat key."""
    return f"{_PREFIX}alive:{service}"


def api_key(key_id: str) -> str:
    """Hash of an API key.

    Fields: digest, name, scopes (comma-separated), sessions, minutes_a_day, requests_a_minute, made_at (Unix seconds).
    """
    return f"{_PREFIX}key:{key_id}"


def key_usage(key_id: str, day: str) -> str:
    """Milliseconds of audio that came with an API key on a day (UTC, such as 2026-11-30); it expires two days later."""
    return f"{_PREFIX}key_usage:{key_id}:{day}"


def key_requests(key_id: str) -> str:
    """Time (Unix seconds) at which the requests with an API key are used up; it expires after a minute."""
    return f"{_PREFIX}key_requests:{key_id}"


def audio_leads(scope: str) -> str:
    """Sorted set of ended connections with one API key, or from one network; it expires within minutes.

    Each has the time (Unix seconds) at which the lead of its audio is over.
    """
    return f"{_PREFIX}audio_leads:{scope}"


def login(digest: str) -> str:
    """Grant of a browser that signed in, as JSON, by the digest of its cookie; it expires."""
    return f"{_PREFIX}login:{digest}"


def ticket(digest: str) -> str:
    """Grant of one WebSocket, as JSON, by the digest of the ticket; it expires, and its first reader deletes it."""
    return f"{_PREFIX}ticket:{digest}"


def room(name: str) -> str:
    """Hash of a room with an owner, where access is closed.

    Fields: owner (subject of a grant), owner_key (digest of its person_key, if that is a browser), talk and read
    (digests of its links), links (times that they were made), closed (1), one ``removed:{id}`` for each person and each
    subject that may not come back, and of the last removal of a person valid_from (number of its links) and kept
    (persons who were there then, comma-separated).
    """
    return f"{_PREFIX}room:{name}"


def file_job(job_id: str) -> str:
    """Hash of a file that is transcribed in the background.

    Fields: owner (subject of a grant), status, begun_at and seen_at (Unix seconds), decoded_s, done_s, total_s
    once it is known, and once it has ended media_type and answer, or error (JSON).
    """
    return f"{_PREFIX}file_job:{job_id}"


def connections(scope: str) -> str:
    """Sorted set like ``people``, of the connections with one API key, from one address or in one room."""
    return f"{_PREFIX}connections:{scope}"


def wrong_credentials(network: str) -> str:
    """Count of wrong credentials from a network, by its digest; it expires."""
    return f"{_PREFIX}wrong:{network}"
