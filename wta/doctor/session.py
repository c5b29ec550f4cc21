"""A session, as every other command begins it, without audio."""

import asyncio
import time
from contextlib import suppress

from websockets.exceptions import ConnectionClosed

from wire.messages.client import Ping, Start, Stop
from wire.messages.server import AnyServerMessage, Error, Pong, Ready, server_message
from wta.client.address import websocket_url
from wta.client.connect import Connector, explain_close
from wta.client.errors import GatewayError
from wta.client.tls import Tls
from wta.doctor.finding import Finding, fault, ok

READY_S = 10.0


async def check_session(url: str, key: str | None, tls: Tls) -> Finding:
    """Begin a session, and measure the way there and back."""
    part = "session"
    try:
        async with asyncio.timeout(READY_S):
            to_ready_ms, ping_ms = await _begin(url, key, tls)
    except GatewayError as error:
        return fault(part, error.code, error.message, error.remedy)
    except TimeoutError:
        message = f"The gateway has not begun a session within {READY_S:.0f} s."
        return fault(part, "gateway_silent", message, "Look at its log, and whether its Redis answers.")
    except ValueError:  # of pydantic, too
        message = "What answers on the WebSocket is not understood."
        return fault(part, "not_understood", message, "Use a client and a gateway of the same version.")
    return ok(part, f"It begins within {to_ready_ms:.0f} ms; there and back takes {ping_ms:.1f} ms.")


async def _begin(url: str, key: str | None, tls: Tls) -> tuple[float, float]:
    """Return the milliseconds until a session stands, and those of a ping."""
    last: Error | None = None
    began = time.perf_counter()
    socket = await Connector(websocket_url(url), key=key, tls=tls).open()

    async def until(kind: type[AnyServerMessage]) -> None:
        nonlocal last
        while not isinstance(message := server_message.validate_json(await socket.recv()), kind):
            if isinstance(message, Error):
                last = message
                if not message.fatal:
                    raise GatewayError(message.code, message.message, message.remedy)

    try:
        with suppress(ConnectionClosed):  # a gateway that refuses at once has sent the reason
            await socket.send(Start().model_dump_json())
        await until(Ready)
        ready = time.perf_counter()
        await socket.send(Ping().model_dump_json())
        await until(Pong)
        pong = time.perf_counter()
        await socket.send(Stop().model_dump_json())
    except ConnectionClosed as closed:
        raise explain_close(closed, last) from closed
    finally:
        await socket.close()
    return (ready - began) * 1000, (pong - ready) * 1000
