"""``python -m infra.health SERVICE``: exit code 0 if this container's process of a service says that it is ready.

For health checks of containers, where each process has a host name of its own. SERVICE may also stand in the
environment. Where HEALTH_URL is set, that must answer too: heartbeats come from a thread of their own.
"""

import asyncio
import os
import socket
import sys
import urllib.request

from redis.exceptions import RedisError

from infra.heartbeat import alive_instances
from infra.redis_client import connect_async, store_error
from infra.settings import WireSettings, load_settings
from wire.errors import ConfigurationError

PATIENCE_S = 4


def main() -> None:
    """One line says why not."""
    service = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SERVICE", "")
    try:
        settings = load_settings(WireSettings)
        reason = asyncio.run(asyncio.wait_for(why_not(settings.redis_url, service, socket.gethostname()), PATIENCE_S))
        reason = reason or why_silent(os.environ.get("HEALTH_URL"))
    except ConfigurationError as error:
        reason = str(error)
    except TimeoutError:
        reason = "Redis does not answer in time."
    if reason:
        sys.exit(f"not healthy: {reason}")


async def why_not(redis_url: str, service: str, host: str) -> str | None:
    """Why no process of ``service`` on ``host`` is ready; None when one is."""
    redis = connect_async(redis_url, max_connections=1)
    try:
        beats = [beat for beat in await alive_instances(redis, service) if beat.instance.startswith(f"{host}-")]
    except (RedisError, OSError) as error:
        return str(store_error(error, redis_url))
    finally:
        await redis.aclose()
    if any(beat.ready for beat in beats):
        return None
    return next((beat.reason for beat in beats if beat.reason), f"no {service or 'SERVICE'} lives on {host}")


def why_silent(url: str | None) -> str | None:
    """Why an HTTP server does not answer; None when it does, or there is none."""
    if url is None:
        return None
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=PATIENCE_S):
            return None
    except OSError as error:
        return f"{url} does not answer: {error}"


if __name__ == "__main__":
    main()
