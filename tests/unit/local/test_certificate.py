import datetime as dt
import socket
import ssl
import stat
from pathlib import Path

import pytest

from local.certificate import VALID_FOR, ensure_certificate, names_of

LAN = ["192.168.1.20"]
TODAY = dt.datetime.now(dt.UTC)


def test_names_cover_this_machine_and_its_lan_addresses(tmp_path: Path) -> None:
    """The certificate is good for localhost, the loopback address, the host name and every LAN address."""
    made = ensure_certificate(tmp_path, LAN)
    assert names_of(made.cert) >= {"localhost", "127.0.0.1", socket.gethostname(), *LAN}


def test_pair_can_serve_and_only_its_owner_reads_the_key(tmp_path: Path) -> None:
    """Key and certificate belong together, and the key is private."""
    made = ensure_certificate(tmp_path, LAN)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(made.cert, made.key)
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600


def test_good_certificate_is_kept(tmp_path: Path) -> None:
    """A second start on the same network serves the same certificate, so that phones warn only once."""
    before = ensure_certificate(tmp_path, LAN, TODAY).cert.read_bytes()
    later = TODAY + dt.timedelta(days=200)
    assert ensure_certificate(tmp_path, [], later).cert.read_bytes() == before


@pytest.mark.parametrize(
    ("lan", "now"),
    [
        pytest.param(["10.0.0.7"], TODAY, id="another LAN address"),
        pytest.param(LAN, TODAY + VALID_FOR, id="expired"),
        pytest.param(LAN, TODAY + VALID_FOR - dt.timedelta(days=1), id="expires tomorrow"),
    ],
)
def test_outdated_certificate_is_renewed(tmp_path: Path, lan: list[str], now: dt.datetime) -> None:
    """A certificate that expired, soon will, or does not cover today's addresses is made anew."""
    before = ensure_certificate(tmp_path, LAN, TODAY).cert.read_bytes()
    renewed = ensure_certificate(tmp_path, lan, now)
    assert renewed.cert.read_bytes() != before
    assert set(lan) <= names_of(renewed.cert)


def test_damaged_certificate_is_renewed(tmp_path: Path) -> None:
    """A half-written file is replaced, not served."""
    made = ensure_certificate(tmp_path, LAN)
    made.cert.write_bytes(made.cert.read_bytes()[:100])
    assert set(LAN) <= names_of(ensure_certificate(tmp_path, LAN).cert)
