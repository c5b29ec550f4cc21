"""Files that the gateway decodes: what is sent, what comes back, and how it fails."""

import asyncio
import json
import socket
from pathlib import Path

import pytest

from certificates.server import ensure_certificate
from fastapi_service import errors
from fastapi_service.api.openai_rest.refusals import body_of, status_of
from tests.support.eventually import soon
from tests.unit.wta.fake_files import DONE, FakeFiles, Reply, event, progress
from tests.unit.wta.fake_gateway import SESSION, TOKEN
from tests.unit.wta.test_doctor import server_context
from wire.errors import AudioError, WireError
from wta import GatewayError, GatewayUnavailable, Hooks, Limits, Tls
from wta.client.event_stream import FileProgress
from wta.client.file_route import FileRoute

NO_RETRY = Limits(timeout_s=0)
RETRY = Limits(timeout_s=60, first_pause_s=0.01)


BYTES = bytes(range(256)) * 1_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "talk.m4a").write_bytes(BYTES)
    return tmp_path / "talk.m4a"


def refused(error: WireError) -> Reply:
    """The gateway's answer for an error."""
    return Reply((json.dumps(body_of(error)).encode(),), status_of(error))


async def test_a_file_is_sent_as_it_is_and_its_session_is_kept(file: Path) -> None:
    """With the key and the languages; progress comes while it is transcribed, in pieces of any length."""
    whole = (
        progress(1.5) + event({"type": "transcript.text.delta", "delta": "a\u2028b"}) + progress(3.0, 4.5) + event(DONE)
    )
    pieces = tuple(whole[start : start + 7] for start in range(0, len(whole), 7))
    done: list[FileProgress] = []
    async with FakeFiles([Reply(pieces)]).serving() as service:
        session = await FileRoute(service.http, key="wta_k").transcribe(file, ["en", "ko"], done.append)
    assert (session.session_id, session.token) == (SESSION, TOKEN)
    assert TOKEN not in repr(session)
    assert done == [FileProgress(1.5, None), FileProgress(3.0, 4.5)]
    (form,) = service.forms
    assert BYTES in form
    assert file.name.encode() not in form
    for name, value in (("stream", "true"), ("keep", "true"), ("languages[]", "en"), ("languages[]", "ko")):
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in form
    assert "authorization: bearer wta_k" in service.headers[0].lower()


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (refused(errors.silent_file()), AudioError, "wav_empty"),
        (refused(errors.upload_too_large()), AudioError, "too_large"),
        (Reply((b"<h1>too large</h1>",), 413), AudioError, "too_large"),
        (refused(errors.grant_refused()), GatewayError, "grant_refused"),
        (refused(errors.not_allowed("files")), GatewayError, "not_allowed"),
        (refused(errors.too_many_uploads(5)), GatewayUnavailable, "too_many_files"),
        (refused(errors.redis_unavailable()), GatewayUnavailable, "redis_unreachable"),
        (Reply((b"<h1>bad gateway</h1>",), 502), GatewayUnavailable, "gateway_away"),
        (Reply((b"Not found",), 404), GatewayError, "not_a_gateway"),
        (Reply((event(body_of(errors.decoder_crashed())),)), AudioError, "decoder_failed"),
        (Reply((event(body_of(errors.no_results(60))),)), GatewayError, "no_results"),
        (Reply((event({"type": "transcript.text.done", "text": ""}),)), GatewayError, "not_a_gateway"),
        (Reply((b"data: nonsense\n\n",)), GatewayError, "not_understood"),
        (Reply((progress(1),)), GatewayUnavailable, "connection_lost"),
        (Reply((progress(1),), cut=True), GatewayUnavailable, "connection_lost"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_goes_wrong_has_a_kind_a_code_and_a_remedy(
    file: Path, reply: Reply, kind: type[WireError], code: str
) -> None:
    """A bad file is an AudioError, after which others may do; what may pass is GatewayUnavailable."""
    async with FakeFiles([reply]).serving() as service:
        with pytest.raises(WireError) as caught:
            await FileRoute(service.http, limits=NO_RETRY).transcribe(file)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert caught.value.message.endswith(".")
    assert caught.value.remedy


async def test_the_gateway_s_message_and_remedy_are_its_own_words(file: Path) -> None:
    """Together they are what it says."""
    async with FakeFiles([refused(errors.silent_file())]).serving() as service:
        with pytest.raises(AudioError) as caught:
            await FileRoute(service.http).transcribe(file)
    assert str(caught.value) == str(errors.silent_file())


async def test_a_file_is_sent_again_while_the_gateway_is_away_or_busy(file: Path) -> None:
    """Whole, and each reason is said."""
    replies = [refused(errors.redis_unavailable()), Reply((progress(1),), cut=True), Reply()]
    notices: list[str] = []
    async with FakeFiles(replies).serving() as service:
        route = FileRoute(service.http, limits=RETRY, hooks=Hooks(on_notice=notices.append))
        assert (await route.transcribe(file)).session_id == SESSION
    assert len(service.forms) == 3
    assert all(BYTES in form for form in service.forms)
    assert len(notices) == 2
    assert all("retrying" in notice for notice in notices)


async def test_a_sender_that_is_cancelled_closes_the_line(file: Path) -> None:
    """By which the gateway drops the file."""
    async with FakeFiles([Reply((progress(1),), hold=True)]).serving() as service:
        sending = asyncio.create_task(FileRoute(service.http).transcribe(file))
        await soon(lambda: len(service.forms) == 1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await soon(lambda: service.left == 1)


async def test_no_gateway_and_no_file_are_named(file: Path) -> None:
    """Without a gateway, what is tried again; without a file, what is not."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(GatewayUnavailable, match="connection refused") as away:
            await FileRoute(url, limits=NO_RETRY).transcribe(file)
    assert away.value.code == "gateway_away"
    with pytest.raises(AudioError) as missing:
        await FileRoute(url).transcribe(file.with_name("other.m4a"))
    assert missing.value.code == "wav_unreadable"


async def test_a_gateway_that_says_nothing_is_given_up(file: Path) -> None:
    """After the time of a session without news."""
    async with FakeFiles([Reply((progress(1),), hold=True)]).serving() as service:
        with pytest.raises(GatewayError) as caught:
            await FileRoute(service.http, limits=Limits(idle_timeout_s=0.2)).transcribe(file)
        await soon(lambda: service.left == 1)
    assert caught.value.code == "no_progress"


async def test_a_certificate_of_an_authority_of_its_own_is_trusted_on_request(file: Path, tmp_path: Path) -> None:
    """As by all of the client; else the error is that of a WebSocket, and is not tried again."""
    tls = server_context(ensure_certificate(tmp_path, ["127.0.0.1"]))
    async with FakeFiles().serving(tls) as service:
        for trust in (Tls(authority=tmp_path / "ca.pem"), Tls(insecure=True)):
            assert (await FileRoute(service.http, tls=trust).transcribe(file)).session_id == SESSION
        with pytest.raises(GatewayError) as caught:
            await FileRoute(service.http).transcribe(file)
        assert (type(caught.value), caught.value.code) == (GatewayError, "certificate_untrusted")
        with pytest.raises(GatewayError) as confused:
            await FileRoute(service.http.replace("https", "http"), limits=NO_RETRY).transcribe(file)
    assert confused.value.remedy
