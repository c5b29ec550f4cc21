"""A client of WhisperTextAnalyzer: live speech to text with sentiment, from Python and, as ``wta``, in the terminal."""

from wire.errors import AudioError, ConfigurationError, WireError
from wire.messages.client import Start
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import AnyServerMessage, Interim, Ready
from wire.messages.statistics import Statistics
from wta.client.client import Client
from wta.client.errors import GatewayError, GatewayUnavailable
from wta.client.http import HttpRoutes
from wta.client.options import Hooks, Limits
from wta.client.tls import Tls

__all__ = [
    "AnyServerMessage",
    "AudioError",
    "Client",
    "ConfigurationError",
    "Final",
    "GatewayError",
    "GatewayUnavailable",
    "Hooks",
    "HttpRoutes",
    "Interim",
    "Limits",
    "NoSpeech",
    "Ready",
    "SegmentFailed",
    "Start",
    "Statistics",
    "Tls",
    "WireError",
]
__version__ = "0.2.0"
