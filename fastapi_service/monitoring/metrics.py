"""The metrics of ``/metrics``. No label holds a value that users can choose freely."""

from prometheus_client import Counter, Gauge, Histogram

CONNECTIONS = Gauge("wta_connections", "Open WebSocket connections")
DECODERS = Gauge("wta_decoders", "Files that are being decoded")
FILES = Counter(
    "wta_files_total",
    "Files over /decode and HTTP, by their end: decoded, transcribed, left, or the code of the error",
    ["end"],
)
REFUSED = Counter("wta_refused_total", "Connections refused", ["reason"])
ERRORS = Counter("wta_errors_total", "Errors sent to clients", ["code"])
AUDIO_SECONDS = Counter("wta_audio_seconds_total", "Audio received, in seconds")
UTTERANCES = Counter("wta_utterances_total", "Utterances written into the ledger, each once", ["reason"])
DELIVERED = Counter("wta_delivered_total", "Results written to sockets", ["type"])
MISSED = Counter("wta_missed_total", "Messages read from Redis because pub/sub lost them", ["channel"])
HOP_SECONDS = Histogram(
    "wta_hop_seconds",
    "Latency of one stage of an utterance, observed once, when its result is written to the socket of its own session",
    ["hop"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
QUEUE_DEPTH = Gauge("wta_queue_depth", "Tasks waiting, over all priorities", ["queue"])
LEDGER = Gauge("wta_ledger_pending", "Utterances without a result yet, of all sessions")
CLOCK_SKEW = Gauge(
    "wta_clock_skew_seconds",
    "Clock of a host minus Redis' clock, in seconds; of a service's instances the one that differs most",
    ["service"],
)
GLOBAL = Gauge("wta_global", "Statistics over all sessions since the installation began", ["figure"])
GLOBAL_SENTIMENT = Gauge("wta_global_sentiment", "Sentences per sentiment label, over all sessions", ["label"])
GLOBAL_SCORE = Gauge("wta_global_score", "Sum of the probabilities of the labels of wta_global_sentiment", ["label"])
GLOBAL_LANGUAGE = Gauge("wta_global_language", "Sentences per language, over all sessions", ["language"])
