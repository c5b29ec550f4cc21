"""``REDIS_URL`` and the other addresses: checks them, and writes them in the form that Celery's library takes.

redis-py and kombu read URLs differently: kombu has another name for Unix sockets, takes the options of TLS only, and
checks a server's certificate only if the URL says so.
"""

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

_NETWORK = re.compile(r"rediss?://([^/?#@\s]*@)?([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?(/\d*)?(\?[^#\s]*)?")
_SOCKET = re.compile(r"unix://([^/?#@\s]*@)?/[^?#\s]+(\?[^#\s]*)?")
_AMQP = re.compile(r"amqps?://([^/?#@\s]*@)?([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?(/[^?#\s]*)?")
UNIX = "unix"
TLS = "rediss"


def check_url(url: str) -> str:
    """Return ``url`` if both libraries read it as it is meant.

    Raises:
        ValueError: it has another form, or an option that redis-py does not take. The error does not quote the URL: it
            may hold a password.
    """
    if not (_NETWORK.fullmatch(url) or _SOCKET.fullmatch(url)):
        raise ValueError(
            "write it as redis://:password@host:6379/0, with letters and digits as the password "
            "(in containers: REDIS_PASSWORD), or as unix:///run/redis.sock?db=0"
        )
    import redis  # here, because settings without a URL need it not

    try:
        redis.ConnectionPool.from_url(url).make_connection()  # connects to nothing yet
    except (TypeError, ValueError) as refused:
        raise ValueError(f"it has an option that Redis' client does not take ({refused})") from None
    return url


def check_broker(url: str) -> str:
    """Return ``url`` if it names a Redis, as ``check_url`` takes it, or RabbitMQ.

    Raises:
        ValueError: it has another form. The error does not quote the URL: it may hold a password.
    """
    if is_amqp(url):
        return url
    try:
        return check_url(url)
    except ValueError as refused:
        raise ValueError(f"{refused}, or as amqp://user:password@host:5672/vhost for RabbitMQ") from None


def is_amqp(url: str) -> bool:
    """True for the address of a RabbitMQ server."""
    return _AMQP.fullmatch(url) is not None


def without_secrets(url: str) -> str:
    """Return host, port and database of ``url``, or path and database: it may be logged."""
    parts = urlsplit(url)
    place = (parts.netloc.rpartition("@")[2] + parts.path) or url
    return f"{place} (database {database(url)})" if parts.scheme == UNIX else place


def database(url: str) -> str:
    """Return the number of the database as it is written; 0 if there is none."""
    parts = urlsplit(url)
    in_path = "" if parts.scheme == UNIX else parts.path.strip("/")
    return dict(parse_qsl(parts.query)).get("db") or in_path or "0"


def broker_url(url: str) -> str:
    """Return the URL of the same server and database for Celery."""
    if is_amqp(url):
        return url
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    login = _login(parts.netloc.rpartition("@")[0], options)
    if parts.scheme == UNIX:
        return f"redis+socket://{login}{quote(unquote(parts.path))}?{urlencode({'virtual_host': database(url)})}"
    kept = {name: value for name, value in options.items() if name.startswith("ssl_")}
    if parts.scheme == TLS:
        kept = {"ssl_cert_reqs": "required", **kept}
    query = f"?{urlencode(kept)}" if kept else ""
    return f"{parts.scheme}://{login}{parts.netloc.rpartition('@')[2]}/{database(url)}{query}"


def _login(given: str, options: dict[str, str]) -> str:
    """Return user and password in front of a host; redis-py takes them as options too."""
    user, _, password = given.partition(":")
    if "username" in options:
        user = quote(options["username"], safe="")
    if "password" in options:
        password = quote(options["password"], safe="")
    return f"{user}:{password}@" if user or password else ""
