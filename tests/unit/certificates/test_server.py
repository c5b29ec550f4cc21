import datetime as dt
import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from certificates.authority import CA_VALID_FOR, VALID_FOR
from certificates.pair import Pair, names_of
from certificates.server import RENEW_BEFORE, copy_own, ensure_certificate
from wire.errors import ConfigurationError

NAMES = {"localhost", "192.168.1.20", "fd00::7", "talk.example.org"}
TODAY = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


def certificate_of(pair: Pair) -> x509.Certificate:
    return pair.load()[0]


def foreign_pair(folder: Path, now: dt.datetime) -> Pair:
    """Make a certificate of another CA: the issuer's name is not ours."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Let's Pretend")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    pair = Pair(folder / "fullchain.pem", folder / "privkey.pem")
    pair.write(certificate, key)
    return pair


def handshake(served: Pair, ca: Path, name: str) -> str | None:
    """Return the TLS version of a client that trusts ``ca`` and checks ``name``, or raise its error."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(served.cert, served.key)
    here, there = socket.socketpair()

    def answer() -> None:
        try:
            server.wrap_socket(there, server_side=True).close()
        except OSError:  # the client went away
            there.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with ssl.create_default_context(cafile=ca).wrap_socket(here, server_hostname=name) as client:
            return client.version()
    finally:
        here.close()
        thread.join()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_certificate_is_accepted_under_every_name(tmp_path: Path, name: str) -> None:
    """A client that trusts only the CA accepts host names and addresses of both kinds."""
    served = ensure_certificate(tmp_path, NAMES)
    assert handshake(served, tmp_path / "ca.pem", name) == "TLSv1.3"


def test_certificate_is_refused_under_another_name(tmp_path: Path) -> None:
    """The server's key cannot be used to impersonate another host."""
    served = ensure_certificate(tmp_path, NAMES)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(served, tmp_path / "ca.pem", "example.org")


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """The certificate and the CA certificate are readable by all."""
    served = ensure_certificate(tmp_path, NAMES)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == {"ca.pem": 0o644, "ca-key.pem": 0o600, "fullchain.pem": 0o644, served.key.name: 0o600}


def test_certificate_lifetime_is_accepted_by_browsers(tmp_path: Path) -> None:
    """Apple devices accept at most 398 days, Mozilla recommends a year at most."""
    made = certificate_of(ensure_certificate(tmp_path, NAMES))
    assert made.not_valid_after_utc - made.not_valid_before_utc <= dt.timedelta(days=366)


def test_valid_certificate_is_kept(tmp_path: Path) -> None:
    """A later start serves the same certificate, also when a name was removed."""
    before = ensure_certificate(tmp_path, NAMES, now=TODAY).cert.read_bytes()
    later = TODAY + dt.timedelta(days=200)
    assert ensure_certificate(tmp_path, {"localhost"}, now=later).cert.read_bytes() == before


@pytest.mark.parametrize(
    ("names", "now"),
    [
        pytest.param(NAMES | {"10.0.0.7"}, TODAY, id="another name"),
        pytest.param(NAMES, TODAY + VALID_FOR, id="expired"),
        pytest.param(NAMES, TODAY + VALID_FOR - RENEW_BEFORE + DAY, id="expires in a month"),
    ],
)
def test_outdated_certificate_is_renewed_by_the_same_ca(tmp_path: Path, names: set[str], now: dt.datetime) -> None:
    """A device that trusts the CA once goes on trusting."""
    before = ensure_certificate(tmp_path, NAMES, now=TODAY).cert.read_bytes()
    ca = (tmp_path / "ca.pem").read_bytes()
    renewed = ensure_certificate(tmp_path, names, now=now)
    assert renewed.cert.read_bytes() != before
    assert names <= names_of(certificate_of(renewed))
    assert (tmp_path / "ca.pem").read_bytes() == ca


@pytest.mark.parametrize("damaged", ["fullchain.pem", "privkey.pem"])
def test_damaged_file_is_replaced(tmp_path: Path, damaged: str) -> None:
    """A truncated file is not served; the new certificate is from the existing CA."""
    ensure_certificate(tmp_path, NAMES)
    (tmp_path / damaged).write_bytes((tmp_path / damaged).read_bytes()[:100])
    served = ensure_certificate(tmp_path, NAMES)
    assert handshake(served, tmp_path / "ca.pem", "localhost")


@pytest.mark.parametrize("damaged", ["ca.pem", "ca-key.pem"])
def test_damaged_ca_is_an_error_and_is_not_replaced(tmp_path: Path, damaged: str) -> None:
    """Devices trust it; the operator decides whether they have to trust a new one."""
    ensure_certificate(tmp_path, NAMES)
    (tmp_path / damaged).write_bytes((tmp_path / damaged).read_bytes()[:100])
    left = (tmp_path / damaged).read_bytes()
    with pytest.raises(ConfigurationError, match=damaged) as refused:
        ensure_certificate(tmp_path, NAMES)
    assert refused.value.code == "bad_authority"
    assert (tmp_path / damaged).read_bytes() == left


def test_ca_is_renewed_before_it_expires(tmp_path: Path) -> None:
    """No certificate outlives its issuer."""
    ensure_certificate(tmp_path, NAMES, now=TODAY)
    ensure_certificate(tmp_path, NAMES, now=TODAY + CA_VALID_FOR - VALID_FOR)
    ca = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    assert ca.not_valid_after_utc > TODAY + CA_VALID_FOR


def test_ca_key_stays_in_a_folder_of_its_own(tmp_path: Path) -> None:
    """The web server's folder gets the CA's certificate, for download, but not its key."""
    served = ensure_certificate(tmp_path / "web", NAMES, tmp_path / "ca")
    assert {file.name for file in (tmp_path / "web").iterdir()} == {"ca.pem", "fullchain.pem", "privkey.pem"}
    assert handshake(served, tmp_path / "web" / "ca.pem", "localhost")


def test_certificate_of_another_ca_is_kept(tmp_path: Path) -> None:
    """A certificate from certbot is not overwritten, whatever names are set."""
    foreign = foreign_pair(tmp_path / "certbot", TODAY)
    copy_own(foreign, tmp_path / "web")
    ensure_certificate(tmp_path / "web", NAMES)
    assert (tmp_path / "web" / "fullchain.pem").read_bytes() == foreign.cert.read_bytes()


def test_expired_certificate_of_another_ca_is_replaced(tmp_path: Path) -> None:
    """A certificate that has to be trusted by hand is better than an expired one."""
    foreign = foreign_pair(tmp_path / "certbot", TODAY)
    copy_own(foreign, tmp_path / "web")
    served = ensure_certificate(tmp_path / "web", NAMES, now=TODAY + VALID_FOR)
    assert names_of(certificate_of(served)) == NAMES


def test_own_files_are_copied_whole(tmp_path: Path) -> None:
    """The chain after the server's certificate is kept."""
    own = foreign_pair(tmp_path / "own", TODAY)
    own.cert.write_bytes(own.cert.read_bytes() * 2)
    served = copy_own(own, tmp_path / "web")
    assert served.cert.read_bytes() == own.cert.read_bytes()
    assert stat.S_IMODE(served.key.stat().st_mode) == 0o600


def test_own_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    """The message names both files; nothing is written."""
    first, second = foreign_pair(tmp_path / "first", TODAY), foreign_pair(tmp_path / "second", TODAY)
    with pytest.raises(ConfigurationError, match=r"second/privkey\.pem .*first/fullchain\.pem") as refused:
        copy_own(Pair(first.cert, second.key), tmp_path / "web")
    assert refused.value.code == "certificate_mismatch"
    assert not (tmp_path / "web").exists()


@pytest.mark.parametrize("now", [TODAY + VALID_FOR, TODAY - DAY])
def test_own_certificate_that_is_not_valid_today_is_refused(tmp_path: Path, now: dt.datetime) -> None:
    """It has expired, or is not yet valid."""
    with pytest.raises(ConfigurationError, match="which is not today"):
        copy_own(foreign_pair(tmp_path / "own", TODAY), tmp_path / "web", now)


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("fullchain.pem", None, "certificate_unreadable"),
        ("privkey.pem", None, "certificate_unreadable"),
        ("fullchain.pem", b"hello", "bad_certificate"),
        ("privkey.pem", b"hello", "bad_key"),
        (
            "privkey.pem",
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "bad_key",
        ),
    ],
)
def test_unusable_own_file_is_named(tmp_path: Path, file: str, content: bytes | None, code: str) -> None:
    """The file is missing, is not PEM, or has a passphrase; the message names it."""
    own = foreign_pair(tmp_path, TODAY)
    (tmp_path / file).unlink() if content is None else (tmp_path / file).write_bytes(content)
    with pytest.raises(ConfigurationError, match=file) as refused:
        copy_own(own, tmp_path / "web")
    assert refused.value.code == code


def test_unwritable_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    """For example a volume of another user; here it is a file."""
    (tmp_path / "web").touch()
    with pytest.raises(ConfigurationError, match="cannot be written") as refused:
        ensure_certificate(tmp_path / "web", NAMES)
    assert refused.value.code == "certificate_not_written"
